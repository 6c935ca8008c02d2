// ServiceWatch: keeps the service manager informed while the daemon runs.
//
// It tells when all is taken, how the service is, that a stop takes its time, and - where systemd
// watches (WatchdogSec=) - that every thread of the data path is alive: a roll call of the workers
// comes before each feed, and the control loop makes it. A worker that is stuck, or a control loop
// that is, ends the feeding, and the manager ends the service.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>

#include <functional>
#include <optional>
#include <string>

#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "lb/control/controller.h"
#include "lb/daemon/roll_call.h"
#include "lb/daemon/service_manager.h"

namespace sstplb::daemon {

// "12 sessions, 3 of 4 backends ready"; with `left`, the time within which a stop has to end,
// "stopping: 12 sessions, closed within 25s".
std::string ServiceStatus(const control::Summary& summary, std::optional<Duration> left);

// Belongs to the control loop's thread; all four must outlive it.
class ServiceWatch {
 public:
  ServiceWatch(Loop& loop, Logger& log, control::Controller& controller, ServiceManager& manager);
  ~ServiceWatch();
  ServiceWatch(const ServiceWatch&) = delete;
  ServiceWatch& operator=(const ServiceWatch&) = delete;

  // After Controller::Start(): the manager is told that the service is ready as soon as every
  // worker has taken its listening sockets. Then, or at once without a manager, `ready` is called.
  void Start(std::function<void()> ready);
  // A reload begins, or is over, whatever came of it.
  void OnReload(bool under_way);
  // Live sessions have until `grace` has passed.
  void OnStop(Duration grace);

 private:
  void OnTick(ev::timer&, int) { Tell(); }
  void OnFeedTime(ev::timer&, int) { CallRoll(); }
  void Tell();
  void CallRoll();
  void AllHere();
  std::string Line() const;

  Logger& log_;
  control::Controller& controller_;
  ServiceManager& manager_;
  RollCall roll_call_;
  ev::timer tick_;
  ev::timer feed_;
  std::string told_;  // the status that the manager has
  std::function<void()> on_ready_;
  bool ready_ = false;
  bool stuck_ = false;  // a worker owed its answer when the next feed was due
  std::optional<TimePoint> stop_ends_;
};

}  // namespace sstplb::daemon
