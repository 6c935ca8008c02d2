// `sstplb upgrade`: starts the new process, and watches until one of the two has everything.
//
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "lb/cli/commands.h"
#include "lb/cli/show.h"

namespace sstplb::cli {
namespace {

// The daemon gives the new process less.
constexpr Duration kWithin = std::chrono::seconds(100);
constexpr int kAccepted = 202;
constexpr int kOk = 200;

}  // namespace

int Upgrade(Session& session) {
  const Result<Reply> begun = session.client.Ask("POST", "/api/v1/upgrade");
  if (!begun) return NoDaemon(session, begun.error());
  if (begun->status != kAccepted) return Complain(session, *begun);
  const std::int64_t successor = ReadPid(begun->body);
  const TimePoint deadline = Clock::now() + kWithin;
  while (Clock::now() < deadline) {
    std::this_thread::sleep_for(session.console.wait_step);
    // Between the two there may be a moment without an answer.
    const Result<Reply> status = session.client.Ask("GET", "/api/v1/status");
    if (!status || status->status != kOk) continue;
    const UpgradeProgress now = ReadUpgrade(status->body);
    if (now.pid == successor && !now.failed.empty()) {
      session.console.err << "sstplb: upgraded, and sessions are lost: " << now.failed << "\n";
      return 1;
    }
    if (now.pid == successor) {
      session.console.out << (session.json ? status->body : now.done + "\n");
      return 0;
    }
    if (now.upgrading) continue;
    session.console.err << "sstplb: not upgraded, and every session runs on: " << now.failed
                        << "\n";
    return 1;
  }
  session.console.err << "sstplb: the upgrade is not over after " << FormatDuration(kWithin)
                      << "; `sstplb status` and the log tell more\n";
  return 1;
}

}  // namespace sstplb::cli
