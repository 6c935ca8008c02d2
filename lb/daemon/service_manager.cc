// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/service_manager.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace sstplb::daemon {
namespace {

std::int64_t Microseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// A message has one assignment per line: what is said for people has to stay within one.
std::string StatusLine(std::string_view text) {
  std::string line = "STATUS=" + std::string(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace

ServiceManager::ServiceManager(Origin origin)
    : present_(std::getenv("NOTIFY_SOCKET") != nullptr),
      announce_pid_(origin == Origin::kSucceeded) {
  // It names the process before, whose duty is ours now.
  if (origin == Origin::kSucceeded) ::unsetenv("WATCHDOG_PID");
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) > 0) {
    watchdog_ = std::chrono::microseconds(microseconds);
  } else {
    // Somebody else's duty, if anybody's: a successor is not to take it for its own.
    ::unsetenv("WATCHDOG_USEC");
  }
}

void ServiceManager::Ready(std::string_view status) {
  if (!announce_pid_) return Send("READY=1\n" + StatusLine(status));
  announce_pid_ = false;
  Send("MAINPID=" + std::to_string(::getpid()) + "\nREADY=1\n" + StatusLine(status));
  if (present_) (void)sd_notify_barrier(0, static_cast<std::uint64_t>(Microseconds(kTakenWithin)));
}

void ServiceManager::Reloading() {
  // systemd asks for CLOCK_MONOTONIC, which Clock is on Linux.
  Send("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(Microseconds(Clock::now().time_since_epoch())));
}

void ServiceManager::Stopping(std::string_view status) {
  Send("STOPPING=1\n" + StatusLine(status));
}

void ServiceManager::ExtendTimeout(Duration more) {
  Send("EXTEND_TIMEOUT_USEC=" + std::to_string(Microseconds(more)));
}

void ServiceManager::Status(std::string_view status) { Send(StatusLine(status)); }

void ServiceManager::Feed() { Send("WATCHDOG=1"); }

void ServiceManager::Send(const std::string& message) const {
  // A manager that does not take it is no reason to serve nobody.
  if (present_) (void)sd_notify(/*unset_environment=*/0, message.c_str());
}

}  // namespace sstplb::daemon
