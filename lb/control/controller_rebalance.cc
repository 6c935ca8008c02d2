// When sessions are moved: by the configuration's window, or by the operator's command.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

std::string PerHour(double per_second) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g/h", per_second * 3600);
  return text;
}

}  // namespace

// Of the process before this one.
void Controller::RestoreRebalances() {
  moved_clients_.Restore(state_.moved, WallClock::now());
  for (const backend::RebalanceRun& run : state_.rebalances) rebalance_runs_[run.pool] = run;
}

RebalanceStatus Controller::RebalanceOf(const config::Pool& pool) const {
  const WallTime now = WallClock::now();
  const config::RebalanceRules& rules = pool.rebalance;
  RebalanceStatus status;
  if (rules.budget) status.per_second = rules.budget->per_second;
  if (const auto moved = moved_.find(pool.name); moved != moved_.end()) {
    status.moved = moved->second;
  }
  if (const auto run = rebalance_runs_.find(pool.name); run != rebalance_runs_.end()) {
    status.active = status.by_operator = true;
    status.per_second = run->second.per_second;
    status.ends = run->second.until;
  } else if (rules.budget && rules.window) {
    status.active = rules.window->Contains(TimeOfDay(now));
    if (status.active) {
      status.ends = NextTimeOfDay(rules.window->until, now);
    } else {
      status.begins = NextTimeOfDay(rules.window->from, now);
    }
  } else {
    status.active = rules.budget.has_value();
  }
  return status;
}

void Controller::RunRebalances() {
  const WallTime now = WallClock::now();
  if (std::erase_if(rebalance_runs_, [&](const auto& r) { return r.second.until <= now; }) > 0) {
    SaveState();
  }
  NoteRebalances(now);
  std::vector<rebalance::Order> orders;
  for (const std::string& name : rebalancing_) {
    auto pool = plan_->FindPool(name);
    if (pool == nullptr) continue;
    const double per_second = RebalanceOf(pool->config).per_second;
    orders.push_back({std::move(pool), per_second});
  }
  rebalancer_.Tick(Clock::now(), orders);
}

// Which pools there are that are rebalanced now; what has changed is logged.
void Controller::NoteRebalances(WallTime now) {
  std::set<std::string> active;
  const bool leaving = stopping_ || refusing_;  // all sessions go, whoever has them
  for (const config::Pool& pool : config_.pools) {
    const RebalanceStatus status = RebalanceOf(pool);
    if (leaving || !status.active) continue;
    active.insert(pool.name);
    if (rebalancing_.contains(pool.name)) continue;
    log_.Event(LogLevel::kInfo, "rebalance begins",
               {{"pool", pool.name},
                {"decided", status.by_operator ? "operator" : "configuration"},
                {"budget", PerHour(status.per_second)},
                {"for", status.ends ? FormatDuration(*status.ends - now) : "-"}});
  }
  for (const std::string& pool : rebalancing_) {
    if (active.contains(pool)) continue;
    log_.Event(LogLevel::kInfo, "rebalance ends", {{"pool", pool}, {"moved", moved_[pool]}});
  }
  rebalancing_ = std::move(active);
  std::erase_if(moved_, [this](const auto& m) { return config_.FindPool(m.first) == nullptr; });
}

void Controller::OnMoved(const std::string& pool, const rebalance::Move& move) {
  ++moved_[pool];
  SaveLater();
  log_.Event(LogLevel::kInfo, "rebalanced",
             {{"session", session::ToString(move.session)},
              {"client", move.client.ToString()},
              {"from", pool + "/" + move.from},
              {"to", move.to.empty() ? "-" : pool + "/" + move.to}});
}

Answer<Done> Controller::BeginRebalance(std::string_view pool, const RebalanceWish& wish) {
  const config::Pool* configured = config_.FindPool(pool);
  if (configured == nullptr) {
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  if (stopping_ || refusing_) {
    return Failure{FailureCode::kConflict, "the balancer is stopping or drained", ""};
  }
  const auto& budget = configured->rebalance.budget;
  if (!wish.per_second && !budget) {
    return Failure{FailureCode::kInvalid,
                   "say how many sessions may be moved: pool." + configured->name +
                       ".rebalance.budget is not set",
                   "budget_per_hour"};
  }
  backend::RebalanceRun& run = rebalance_runs_[configured->name];
  run.pool = configured->name;
  run.per_second = wish.per_second ? *wish.per_second : budget->per_second;
  run.until = WallClock::now() + std::chrono::duration_cast<WallClock::duration>(wish.within);
  SaveState();
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", "rebalance"},
              {"pool", run.pool},
              {"budget", PerHour(run.per_second)},
              {"for", FormatDuration(wish.within)}});
  return Done{};
}

Answer<Done> Controller::EndRebalance(std::string_view pool) {
  const auto run = rebalance_runs_.find(std::string(pool));
  if (run == rebalance_runs_.end()) {
    const bool known = config_.FindPool(pool) != nullptr;
    if (known) {
      return Failure{FailureCode::kConflict,
                     "pool " + std::string(pool) + " is not rebalanced by command", ""};
    }
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  rebalance_runs_.erase(run);
  SaveState();
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", "rebalance off"}, {"pool", std::string(pool)}});
  return Done{};
}

}  // namespace sstplb::control
