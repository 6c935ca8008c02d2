// What an operator may have the controller do: decisions about backends, and reload.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/diff.h"
#include "lb/config/lint.h"
#include "lb/config/names.h"
#include "lb/config/read.h"
#include "lb/config/words.h"
#include "lb/config/write.h"
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

std::string Label(std::string_view pool, std::string_view name) {
  return std::string(pool) + "/" + std::string(name);
}

}  // namespace

// Logs and keeps a decision that the registry took, or says why it did not.
Answer<Done> Controller::Decided(const Status& status, std::string_view what, std::string_view pool,
                                 std::string_view name, const std::string& detail) {
  if (!status) return Failure{FailureCode::kNotFound, status.error().message, ""};
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", what}, {"backend", Label(pool, name)}, {"detail", detail}});
  SaveState();
  return Done{};
}

Answer<Done> Controller::Add(std::string_view pool, const config::Backend& backend) {
  if (registry_.snapshot()->Find(pool) == nullptr) {
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  // The same rules as in a file, by way of the file: a configuration with this backend must read.
  config::Config with = registry_.Effective(config_);
  for (config::Pool& p : with.pools) {
    if (p.name == pool) p.backends.push_back(backend);
  }
  if (const auto read = config::ReadText(config::WriteToml(with), "backend"); !read) {
    const auto& first = read.error().front();
    const bool twice = registry_.snapshot()->Find(pool)->Find(backend.name) != nullptr;
    return Failure{twice ? FailureCode::kConflict : FailureCode::kInvalid, first.message,
                   first.key};
  }
  return Decided(registry_.Add(pool, backend), "add", pool, backend.name,
                 backend.address.ToString());
}

Answer<Done> Controller::Remove(std::string_view pool, std::string_view name, bool force) {
  const auto status = GetBackend(pool, name);
  if (!status) return status.error();
  if (status->sessions_active > 0 && !force) {
    return Failure{FailureCode::kConflict,
                   Label(pool, name) + " has " + std::to_string(status->sessions_active) +
                       " live sessions; drain it first, or force the removal (they run on)",
                   ""};
  }
  return Decided(registry_.Remove(pool, name), "remove", pool, name, "");
}

Answer<Done> Controller::Change(std::string_view pool, std::string_view name,
                                const BackendChange& change) {
  const auto status = GetBackend(pool, name);
  if (!status) return status.error();
  if (change.weight && *change.weight > config::kMaxWeight) {
    return Failure{FailureCode::kInvalid, "weight is 0 to " + std::to_string(config::kMaxWeight),
                   "weight"};
  }
  std::string detail;
  const auto tell = [&detail](const std::string& text) {
    detail += (detail.empty() ? "" : " ") + text;
  };
  backend::Registry::Batch batch(registry_);
  if (change.admin) {
    (void)registry_.SetAdmin(pool, name, *change.admin);
    tell("admin=" + std::string(config::ToWord(*change.admin)));
  }
  if (change.weight) {
    (void)registry_.SetWeight(pool, name, *change.weight);
    tell("weight=" + std::to_string(*change.weight));
  }
  if (change.max_sessions) {
    (void)registry_.SetMaxSessions(pool, name, *change.max_sessions);
    tell("max_sessions=" + std::to_string(*change.max_sessions));
  }
  return Decided(Done{}, "change", pool, name, detail);
}

Answer<Done> Controller::Reset(std::string_view pool, std::string_view name) {
  return Decided(registry_.Reset(pool, name), "reset", pool, name, "");
}

Answer<ReloadReport> Controller::Reload(bool dry_run) {
  // It would open the listening sockets again.
  if (stopping_) return Failure{FailureCode::kConflict, "the balancer is stopping", ""};
  if (handing_over_) return HandingOver();
  const auto read = config::ReadFile(config_file_);
  if (!read) {
    std::string all;
    for (const auto& diagnostic : read.error()) {
      all += (all.empty() ? "" : "\n") + diagnostic.ToString();
    }
    log_.Event(LogLevel::kError, "reload refused",
               {{"errors", read.error().size()}, {"first", read.error().front().ToString()}});
    return Failure{FailureCode::kInvalid, all, ""};
  }
  ReloadReport report;
  for (const config::Change& change : config::Diff(config_, *read)) {
    if (change.needs_restart.empty()) {
      report.changes.push_back(change.ToString());
    } else {
      report.needs_restart.push_back(change.ToString() + " (" + change.needs_restart + ")");
    }
  }
  for (const auto& finding : config::Lint(*read)) report.warnings.push_back(finding.Text());
  const auto refused = listeners_.Refused(*read);
  report.warnings.insert(report.warnings.end(), refused.begin(), refused.end());
  auto opened = listeners_.Open(*read);
  std::string trouble = TransparentTrouble(*read);
  for (const std::string& failure : opened.failures) {
    trouble += (trouble.empty() ? "" : "\n") + failure;
  }
  if (!trouble.empty()) {
    log_.Event(LogLevel::kError, "reload refused",
               {{"first", trouble.substr(0, trouble.find('\n'))}});
    return Failure{FailureCode::kConflict, trouble, ""};
  }
  if (dry_run) return report;

  // What cannot change in place stays as it is until a restart.
  config::Config next = *read;
  next.global = config_.global;
  next.global.shutdown_grace = read->global.shutdown_grace;
  next.global.drain_notice = read->global.drain_notice;
  next.global.drain_pace = read->global.drain_pace;
  next.admin = config_.admin;
  config_ = std::move(next);
  registry_.ApplyConfig(config_);
  listeners_.Apply(config_, std::move(opened), workers_);
  report.applied = true;
  for (const std::string& line : refused) {
    log_.Event(LogLevel::kWarning, "option refused", {{"detail", line}});
  }
  log_.Event(LogLevel::kInfo, "reloaded",
             {{"changes", report.changes.size()}, {"needs_restart", report.needs_restart.size()}});
  return report;
}

}  // namespace sstplb::control
