// HandoffDoor: where a new process asks to take over, and the thread that gives it everything.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "lb/admin/server.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/base/result.h"
#include "lb/control/controller.h"
#include "lb/handoff/channel.h"
#include "lb/handoff/handoff_side.h"

namespace sstplb::daemon {

// Made and destroyed on the control loop's thread; all that it is given must outlive it.
class HandoffDoor {
 public:
  struct Events {
    // On the loop's thread, after every attempt: what was given, or why nothing was and all goes
    // on.
    std::function<void(const Result<handoff::Given>&)> attempted;
    // On the loop's thread: the new process no longer needs this one.
    std::function<void()> over;
  };

  // `socket`: handoff::ListenAt(path), or a copy of another process's.
  HandoffDoor(Fd socket, std::string path, Loop& loop, control::Controller& controller,
              admin::AdminServer& admin, Events events);
  ~HandoffDoor();
  HandoffDoor(const HandoffDoor&) = delete;
  HandoffDoor& operator=(const HandoffDoor&) = delete;

  void Start();
  // Waits for an attempt that is under way.
  void Stop();
  // Whether the socket's file is this process's to remove; it is not at first.
  void OwnFile(bool ours) { owns_file_ = ours; }

 private:
  void Run();
  bool Serve(Fd client);
  bool Attempted(Result<handoff::Given> given);
  Result<handoff::Estate> Gather();

  const Fd socket_;
  const std::string path_;
  bool owns_file_ = false;
  const Fd stop_;
  Loop& loop_;
  control::Controller& controller_;
  admin::AdminServer& admin_;
  const Events events_;
  std::thread thread_;
};

}  // namespace sstplb::daemon
