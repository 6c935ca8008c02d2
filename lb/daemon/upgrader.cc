// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/upgrader.h"

#include <unistd.h>

#include <utility>

namespace sstplb::daemon {
namespace {

using control::Failure;
using control::FailureCode;

// From the start of a new process to its end or its success. It reads a configuration, opens
// sockets and takes the sessions; the parts have shorter deadlines of their own.
constexpr Duration kUpgradeWithin = std::chrono::seconds(90);
// What a process told before it ended may be heard a little after its end.
constexpr Duration kLastWords = std::chrono::milliseconds(200);

}  // namespace

Upgrader::Upgrader(Fd socket, std::string path, std::string config_file, Loop& loop, Logger& log,
                   control::Controller& controller, admin::AdminServer& admin, Events events)
    : binary_(OwnBinary()),
      config_file_(std::move(config_file)),
      path_(path),
      log_(log),
      controller_(controller),
      admin_(admin),
      events_(std::move(events)),
      successor_(loop, [this](const std::string& how) { OnSuccessorEnd(how); }),
      too_late_(loop.ev()),
      settle_(loop.ev()),
      door_(std::move(socket), std::move(path), loop, controller, admin,
            {.attempted = [this](const auto& given) { OnAttempt(given); },
             .over = [this] { events_.over(); }}) {
  too_late_.set<Upgrader, &Upgrader::OnTooLate>(this);
  settle_.set<Upgrader, &Upgrader::OnSettled>(this);
}

Upgrader::~Upgrader() {
  too_late_.stop();
  settle_.stop();
}

control::Answer<std::int64_t> Upgrader::Begin() {
  if (successor_.running() || settle_.is_active() || controller_.upgrades().handing_over())
    return control::HandingOver();
  if (::getpid() == 1) {
    return Failure{FailureCode::kConflict,
                   "this process is pid 1 of its container, which ends with it: run it under an "
                   "init (docker run --init)",
                   ""};
  }
  const auto pid = successor_.Start(binary_, config_file_, path_);
  if (!pid) return Failure{FailureCode::kInternal, pid.error().message, ""};
  refused_.clear();
  too_late_.start(EvSeconds(kUpgradeWithin));
  controller_.upgrades().BeginUpgrade();
  log_.Event(LogLevel::kInfo, "upgrade", {{"binary", binary_}, {"pid", *pid}});
  return *pid;
}

void Upgrader::OnAttempt(const Result<handoff::Given>& given) {
  if (!given) {
    refused_ = given.error().message;
    log_.Event(LogLevel::kError, "handoff failed",
               {{"why", refused_}, {"sessions", "all run on here"}});
    controller_.upgrades().NoteFailedHandoff();
    return;
  }
  given_ = true;
  too_late_.stop();
  controller_.HandedOver();
  admin_.KeepFile();
  door_.OwnFile(false);
  log_.Event(LogLevel::kInfo, "handed over",
             {{"sessions", given->sessions}, {"frozen", FormatDuration(given->frozen)}});
  events_.given();
}

void Upgrader::OnSuccessorEnd(const std::string& how) {
  too_late_.stop();
  ended_how_ = how;
  settle_.start(EvSeconds(kLastWords));
}

void Upgrader::OnSettled(ev::timer&, int) {
  if (given_) return;
  if (!refused_.empty()) return controller_.upgrades().EndUpgrade(refused_);
  log_.Event(LogLevel::kError, "upgrade failed", {{"new_process", ended_how_}});
  controller_.upgrades().NoteFailedHandoff();
  controller_.upgrades().EndUpgrade("the new process: " + ended_how_);
}

void Upgrader::OnTooLate(ev::timer&, int) {
  log_.Event(LogLevel::kError, "upgrade failed",
             {{"new_process", "not done within " + FormatDuration(kUpgradeWithin) + ": killed"}});
  successor_.Kill();
}

}  // namespace sstplb::daemon
