// ServiceManager: what the daemon tells the service manager that started it, by sd_notify(3).
//
// Without a manager (no NOTIFY_SOCKET) every call does nothing. docs/systemd.md says what systemd
// makes of each message, and how a process that takes over from another speaks for the service.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lb/base/time.h"

namespace sstplb::daemon {

// Belongs to the control loop's thread. Messages are short and their order is kept; a manager whose
// queue is full holds the caller up until it reads on.
class ServiceManager {
 public:
  enum class Origin {
    kStarted,    // by the manager: it knows our pid
    kSucceeded,  // by the process that served before; the manager still takes that one for the main
  };

  // Reads the environment, and leaves in it what a successor needs and nothing that would mislead
  // it. Before any thread is started.
  explicit ServiceManager(Origin origin);

  // Whether anybody listens.
  bool present() const { return present_; }
  // The manager ends the service when it is not fed for so long; nullopt: it does not watch.
  std::optional<Duration> watchdog() const { return watchdog_; }

  // Clients are served: after the start, after a reload, after a takeover. The first one of a
  // successor makes its own process the main one, and waits (kTakenWithin at most) until the
  // manager has read that: from then on the process before may end.
  void Ready(std::string_view status);
  void Reloading();
  // A stop has begun. From here on the manager waits for the end and for ExtendTimeout().
  void Stopping(std::string_view status);
  // The stop under way takes at least so much longer, from now.
  void ExtendTimeout(Duration more);
  // One line for people.
  void Status(std::string_view status);
  // All threads are alive.
  void Feed();

  // A successor is ready and speaks for the service: nothing is sent any more, because the end of
  // this process is not that of the service.
  void HandedOver() { present_ = false; }

 private:
  static constexpr Duration kTakenWithin = std::chrono::seconds(2);

  void Send(const std::string& message) const;

  bool present_ = false;
  bool announce_pid_ = false;
  std::optional<Duration> watchdog_;
};

}  // namespace sstplb::daemon
