// Rebalancer: moves sessions, one after the other, as fast as the budget allows.
//
// It asks the workers who is on the over-filled backends, plans, and has the planned sessions
// closed. A session that has spoken since it was planned is left alone. It never waits: what
// workers answer comes as a task.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lb/base/loop.h"
#include "lb/base/time.h"
#include "lb/rebalance/moved_clients.h"
#include "lb/rebalance/plan.h"
#include "lb/worker/worker.h"

namespace sstplb::rebalance {

// A pool that is being rebalanced now.
struct Order {
  std::shared_ptr<const session::PoolPlan> pool;
  double per_second = 0;  // sessions; above 0
};

// Belongs to the control loop; `loop`, `workers` and `moved` must outlive it, and `loop` must not
// run any more when it is destroyed.
class Rebalancer {
 public:
  using Workers = std::vector<std::unique_ptr<worker::Worker>>;
  using OnMoved = std::function<void(const std::string& pool, const Move& move)>;

  // A plan is not followed for longer than this, nor when a backend has changed; one with nothing
  // in it is not made anew earlier than after kPause.
  static constexpr Duration kPlanLife = std::chrono::seconds(10);
  static constexpr Duration kPause = std::chrono::seconds(30);
  // What was missed is caught up with only so far.
  static constexpr Duration kBacklog = std::chrono::milliseconds(400);

  Rebalancer(Loop& loop, const Workers& workers, MovedClients& moved, OnMoved on_moved)
      : loop_(loop), workers_(workers), moved_(moved), on_moved_(std::move(on_moved)) {}

  // Several times a second, with all orders there are. A pool that is left out is forgotten.
  void Tick(TimePoint now, const std::vector<Order>& orders);

 private:
  // What is under way for one pool; questions on their way keep their own hold of it.
  struct Run {
    std::shared_ptr<const session::PoolPlan> pool;         // as it was at the last tick
    std::shared_ptr<const session::PoolPlan> planned_for;  // what `moves` were planned for
    TimePoint next_move;
    TimePoint next_plan;
    TimePoint planned;
    bool asking = false;
    std::vector<Move> moves;  // planned and not yet made, the first at the end
  };
  struct Question;

  void Advance(const std::shared_ptr<Run>& run, double per_second, TimePoint now);
  void Ask(const std::shared_ptr<Run>& run, std::vector<std::string> over_filled);
  void Answered(const std::shared_ptr<Question>& question, std::size_t worker,
                std::vector<worker::Placement> placements);
  void Execute(const std::shared_ptr<Run>& run, const Move& move);
  void Closed(const std::shared_ptr<Run>& run, const Move& move, bool done);

  Loop& loop_;
  const Workers& workers_;
  MovedClients& moved_;
  const OnMoved on_moved_;
  std::map<std::string, std::shared_ptr<Run>> runs_;
};

}  // namespace sstplb::rebalance
