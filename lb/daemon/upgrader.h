// Upgrader: lets another process take this one's place: one that it starts itself from the binary
// on disk, or one that asks.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>

#include <functional>
#include <string>

#include "lb/admin/server.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/base/loop.h"
#include "lb/control/controller.h"
#include "lb/daemon/handoff_door.h"
#include "lb/daemon/successor.h"

namespace sstplb::daemon {

// Belongs to the control loop's thread; all that it is given must outlive it.
class Upgrader {
 public:
  struct Events {
    std::function<void()> given;  // the new process serves: nothing here is ours any more
    std::function<void()> over;   // and it no longer needs this one
  };

  // `socket` and `path` are those of HandoffDoor.
  Upgrader(Fd socket, std::string path, std::string config_file, Loop& loop, Logger& log,
           control::Controller& controller, admin::AdminServer& admin, Events events);
  ~Upgrader();
  Upgrader(const Upgrader&) = delete;
  Upgrader& operator=(const Upgrader&) = delete;

  // After the controller's. The socket's file is this process's to remove from now on.
  void Start() {
    door_.OwnFile(true);
    door_.Start();
  }
  // Starts the binary on disk and returns its pid; Controller::GetStatus() tells what comes of it.
  control::Answer<std::int64_t> Begin();

 private:
  void OnAttempt(const Result<handoff::Given>& given);
  void OnSuccessorEnd(const std::string& how);
  void OnTooLate(ev::timer&, int);
  void OnSettled(ev::timer&, int);

  const std::string binary_;
  const std::string config_file_;
  const std::string path_;
  Logger& log_;
  control::Controller& controller_;
  admin::AdminServer& admin_;
  const Events events_;
  Successor successor_;
  ev::timer too_late_;
  ev::timer settle_;
  std::string ended_how_;
  bool given_ = false;
  std::string refused_;  // why the last attempt of this upgrade came to nothing
  HandoffDoor door_;
};

}  // namespace sstplb::daemon
