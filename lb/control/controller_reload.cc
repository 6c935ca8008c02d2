// Reload: from a changed file to a changed balancer, in place, or not at all.
//
// Everything that can go wrong is tried before anything is changed. What only a new process can
// change is told, and stays as it is.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lb/backend/state_file.h"
#include "lb/config/diff.h"
#include "lb/config/finding_list.h"
#include "lb/config/lint.h"
#include "lb/config/read.h"
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

std::string Join(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return all;
}

// Tells that a reload is under way, for as long as it exists.
class ReloadNotice {
 public:
  explicit ReloadNotice(std::function<void(bool)> tell) : tell_(std::move(tell)) {
    if (tell_) tell_(true);
  }
  ~ReloadNotice() {
    if (tell_) tell_(false);
  }
  ReloadNotice(const ReloadNotice&) = delete;
  ReloadNotice& operator=(const ReloadNotice&) = delete;

 private:
  const std::function<void(bool)> tell_;
};

}  // namespace

Answer<ReloadReport> Controller::Reload(bool dry_run) {
  // It would open the listening sockets again.
  if (stopping_) return Failure{FailureCode::kConflict, "the balancer is stopping", ""};
  if (upgrades_.handing_over()) return HandingOver();
  const ReloadNotice notice(dry_run ? nullptr : on_reload_);
  config::Config partial;
  const auto read = config::ReadFile(config_file_, &partial);
  const config::Config& wanted = read ? *read : partial;
  std::vector<std::string> reasons;
  if (!read) {
    for (const auto& diagnostic : read.error()) reasons.push_back(diagnostic.ToString());
  }
  const auto troubles = HostTroubles(wanted);
  reasons.insert(reasons.end(), troubles.begin(), troubles.end());
  const auto code = read ? FailureCode::kConflict : FailureCode::kInvalid;
  if (!reasons.empty()) return Refuse(code, reasons);
  ReloadReport report = Compare(wanted);
  if (dry_run) return report;
  auto opened = listeners_.Open(wanted);
  if (!opened.failures.empty()) return Refuse(code, opened.failures);
  const auto refused = listeners_.Refused(wanted);
  const bool state_moves = wanted.global.state_file != config_.global.state_file;
  config_ = config::InPlace(config_, wanted);
  ApplyGlobal(config_.global);
  renamings_ = listeners_.Rename(config_);
  registry_.ApplyConfig(config_);
  listeners_.Apply(config_, std::move(opened), workers_);
  if (refusing_) Listeners::StopListening(workers_);  // new ones, too
  if (state_moves) {
    state_.decisions = registry_.decisions();
    keeper_.Move(config_.global.state_file, state_);
  } else if (state_.decisions != registry_.decisions()) {
    SaveState();  // the file has caught up with some
  }
  report.applied = true;

  for (const std::string& line : refused) {
    log_.Event(LogLevel::kWarning, "option refused", {{"detail", line}});
  }
  for (const std::string& change : report.needs_upgrade) {
    log_.Event(LogLevel::kWarning, "needs upgrade", {{"change", change}});
  }
  log_.Event(LogLevel::kInfo, "reloaded",
             {{"changes", report.changes.size()}, {"needs_upgrade", report.needs_upgrade.size()}});
  return report;
}

// Why this process, on this host, cannot go over to `wanted`.
std::vector<std::string> Controller::HostTroubles(const config::Config& wanted) const {
  std::vector<std::string> troubles = listeners_.Open(wanted).failures;
  if (auto trouble = TransparentTrouble(wanted); !trouble.empty()) troubles.push_back(trouble);
  if (wanted.global.state_file != config_.global.state_file) {
    const auto possible = backend::MayBeSaved(wanted.global.state_file);
    if (!possible) troubles.push_back("global.state_file: " + possible.error().message);
  }
  return troubles;
}

Failure Controller::Refuse(FailureCode code, const std::vector<std::string>& reasons) {
  log_.Event(LogLevel::kError, "reload refused",
             {{"errors", reasons.size()}, {"first", reasons.front()}});
  for (std::size_t i = 1; i < reasons.size(); ++i) {
    log_.Write(LogLevel::kError, "reload refused", {{"also", reasons[i]}});
  }
  return {code, Join(reasons), ""};
}

ReloadReport Controller::Compare(const config::Config& wanted) const {
  ReloadReport report;
  for (const config::Change& change : config::Diff(config_, wanted)) {
    if (change.needs_upgrade.empty()) {
      report.changes.push_back(change.ToString());
    } else {
      report.needs_upgrade.push_back(change.ToString() + " (" + change.needs_upgrade + ")");
    }
  }
  report.warnings = Warnings(wanted);
  return report;
}

std::vector<std::string> Controller::Warnings(const config::Config& wanted) const {
  std::vector<std::string> all;
  config::Findings findings = config::Lint(wanted);
  config::Silence(findings, wanted.global.ignore_findings);
  for (const auto& finding : findings) all.push_back(finding.Text());
  const auto refused = listeners_.Refused(wanted);
  all.insert(all.end(), refused.begin(), refused.end());
  const std::uint32_t most = wanted.global.max_sessions;
  if (most > room_ && most != config_.global.max_sessions) {
    all.push_back("global.max_sessions: the open-file limit allows only " + std::to_string(room_) +
                  "; raise it (LimitNOFILE= in the unit) and run `sstplb upgrade`");
  }
  const std::string& state = wanted.global.state_file;
  if (state != config_.global.state_file && backend::IsThere(state)) {
    all.push_back("global.state_file: " + state +
                  " is there already; it is not read but kept under another name, and the "
                  "decisions of now are written in its place");
  }
  return all;
}

void Controller::ApplyGlobal(const config::Global& wanted) {
  log_.SetLevel(wanted.log.level);
  log_.SetFormat(wanted.log.format);
  budget_.SetLimit(MostSessions(wanted));
}

std::uint32_t Controller::MostSessions(const config::Global& global) const {
  return global.max_sessions == 0 ? room_ : std::min(room_, global.max_sessions);
}

}  // namespace sstplb::control
