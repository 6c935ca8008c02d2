// Takeover: a new process's side of a handoff, from the daemon's point of view.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lb/admin/server.h"
#include "lb/base/log.h"
#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/control/controller.h"
#include "lb/handoff/takeover_side.h"

namespace sstplb::daemon {

// Used by the main thread, before the loop runs.
class Takeover {
 public:
  // `path`: the old process's handoff socket.
  static Result<std::unique_ptr<Takeover>> Connect(const std::string& path);

  // Tells the old process why this one does not take over.
  void Abort(const std::string& why) { side_.Abort(why); }

  // Takes everything but the sessions. False: the old process has died, and there is nothing to
  // take over.
  Result<bool> Begin(Logger& log);
  // The listening sockets and the state go to the controller, before it opens its own.
  Status InheritTo(control::Controller& controller);
  // Those that the configuration has as well.
  admin::PassedSockets AdminSockets(const config::Admin& admin);
  // Not valid when the configuration has another path.
  Fd HandoffSocket(const std::string& path);
  // Takes the sessions: Controller::Start() must follow at once.
  Status TakeSessions(control::Controller& controller);
  // When all is well: tells it, and removes what the old process left that nobody uses.
  void Tell(control::Controller& controller, Logger& log);

 private:
  explicit Takeover(handoff::TakeoverSide side) : side_(std::move(side)) {}

  handoff::TakeoverSide side_;
  handoff::Estate estate_;
  handoff::Taken taken_;
};

}  // namespace sstplb::daemon
