// SPDX-License-Identifier: Apache-2.0
#include "lb/rebalance/rebalancer.h"

#include <algorithm>
#include <utility>

namespace sstplb::rebalance {

// One question to all workers, and what they have answered so far.
struct Rebalancer::Question {
  std::shared_ptr<Run> run;
  std::vector<std::string> over_filled;
  std::vector<Seated> sessions;
  std::size_t missing = 0;  // workers that have not answered
};

void Rebalancer::Tick(TimePoint now, const std::vector<Order>& orders) {
  std::map<std::string, std::shared_ptr<Run>> runs;
  for (const Order& order : orders) {
    const std::string& name = order.pool->config.name;
    const auto known = runs_.find(name);
    auto& run = runs[name] = known != runs_.end() ? known->second : std::make_shared<Run>();
    run->pool = order.pool;
  }
  runs_ = std::move(runs);
  moved_.Expire(WallClock::now());
  for (const Order& order : orders) {
    Advance(runs_.at(order.pool->config.name), order.per_second, now);
  }
}

void Rebalancer::Advance(const std::shared_ptr<Run>& run, double per_second, TimePoint now) {
  if (run->asking || run->next_move > now || moved_.Full()) return;
  std::vector<std::string> over_filled = OverFilled(Shares(*run->pool));
  if (over_filled.empty()) return;
  std::erase_if(run->moves, [&](const Move& move) {
    return std::ranges::find(over_filled, move.from) == over_filled.end();
  });
  const bool stale = run->planned_for != run->pool || now - run->planned > kPlanLife;
  if (run->moves.empty() || stale) {
    if (now >= run->next_plan) Ask(run, std::move(over_filled));
    return;
  }
  const auto interval =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second));
  run->next_move = std::max(run->next_move, now - kBacklog);
  while (run->next_move <= now && !run->moves.empty()) {
    const Move move = std::move(run->moves.back());
    run->moves.pop_back();
    run->next_move += interval;
    Execute(run, move);
  }
}

void Rebalancer::Ask(const std::shared_ptr<Run>& run, std::vector<std::string> over_filled) {
  auto question = std::make_shared<Question>();
  question->run = run;
  question->over_filled = std::move(over_filled);
  question->missing = workers_.size();
  run->asking = true;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post([this, question, i](worker::Worker& w) {
      auto placements = w.Placements(question->run->pool->config.name, question->over_filled);
      loop_.Post([this, question, i, found = std::move(placements)]() mutable {
        Answered(question, i, std::move(found));
      });
    });
  }
}

void Rebalancer::Answered(const std::shared_ptr<Question>& question, std::size_t worker,
                          std::vector<worker::Placement> placements) {
  for (worker::Placement& placement : placements) {
    question->sessions.push_back({std::move(placement), worker});
  }
  if (--question->missing > 0) return;
  Run& run = *question->run;
  const TimePoint now = Clock::now();
  run.asking = false;
  run.planned = now;
  run.planned_for = run.pool;
  run.moves =
      MakePlan(*run.pool, question->over_filled, std::move(question->sessions), moved_, now).moves;
  std::ranges::reverse(run.moves);
  run.next_plan = now + (run.moves.empty() ? kPause : Duration::zero());
}

void Rebalancer::Execute(const std::shared_ptr<Run>& run, const Move& move) {
  workers_[move.worker]->Post([this, run, move, sticks = run->pool->sticks](worker::Worker& w) {
    const bool done = w.SilentSince(move.session, move.last_byte);
    if (done) {
      // Before the client can come back.
      if (sticks) sticks->Redirect(move.client, move.from, move.to);
      w.CloseThese({move.session}, session::CloseReason::kRebalanced);
    }
    loop_.Post([this, run, move, done] { Closed(run, move, done); });
  });
}

void Rebalancer::Closed(const std::shared_ptr<Run>& run, const Move& move, bool done) {
  if (!done) {
    run->next_move = std::min(run->next_move, Clock::now());  // another one in its place
    return;
  }
  moved_.Note(move.client, WallClock::now());
  on_moved_(run->pool->config.name, move);
}

}  // namespace sstplb::rebalance
