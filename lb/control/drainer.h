// Drainer: has workers close the sessions that are due, longest idle or oldest first.
//
// The planner says how many. Every worker names its foremost sessions, the drainer takes the first
// of all of them and has them closed. It never waits: one question is on its way at a time, and
// what is due meanwhile is due at the next tick.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lb/base/loop.h"
#include "lb/control/ask.h"
#include "lb/control/drain_planner.h"
#include "lb/session/close_reason.h"
#include "lb/worker/choice.h"

namespace sstplb::control {

// A drain that is under way, and whom it closes.
struct DrainOrder {
  DrainCount count;
  worker::Choice choice;  // its count is filled in
  session::CloseReason reason = session::CloseReason::kDrained;
};

// Belongs to the control loop; `loop` and `workers` must outlive it, and `loop` must not run any
// more when it is destroyed.
class Drainer {
 public:
  Drainer(Loop& loop, const Workers& workers) : loop_(loop), workers_(workers) {}

  void Tick(TimePoint now, std::optional<double> budget, std::vector<DrainOrder> orders);

 private:
  struct Round;

  void Answered(const std::shared_ptr<Round>& round, std::size_t worker,
                std::vector<std::vector<worker::Candidate>> found);
  void Close(const Round& round);

  Loop& loop_;
  const Workers& workers_;
  DrainPlanner planner_;
  std::weak_ptr<Round> round_;  // on its way
};

}  // namespace sstplb::control
