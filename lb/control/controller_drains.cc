// Which drains there are: the operator's, and those of backends that died.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <utility>

#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

// Sessions per second, where on_down = "drain" and the pool does not say how.
constexpr double kPaceOfDead = 5;

std::string Label(std::string_view pool, std::string_view name) {
  return std::string(pool) + "/" + std::string(name);
}

WallTime After(WallTime begin, Duration span) {
  return begin + std::chrono::duration_cast<WallClock::duration>(span);
}

// "within 30m at 5.0/s, idle first, from 2026-11-22T22:00:00.000Z", for the log.
std::string Words(const DrainWish& wish, WallTime now) {
  std::string out = wish.within ? "within " + FormatDuration(*wish.within) : "";
  if (wish.pace) {
    char pace[32];
    std::snprintf(pace, sizeof pace, "at %.3g/s", *wish.pace);
    out += (out.empty() ? "" : " ") + std::string(pace);
  }
  if (out.empty()) out = "no deadline";
  if (wish.idle_first) out += ", idle first";
  if (wish.at && *wish.at > now) out += ", from " + FormatWallTime(*wish.at);
  return out;
}

DrainStatus StatusOf(const backend::Drain& drain, std::uint32_t remaining) {
  DrainStatus status{.remaining = remaining,
                     .since = drain.since,
                     .begins = drain.begins,
                     .deadline = drain.deadline,
                     .pace = drain.pace,
                     .idle_first = drain.idle_first};
  const WallTime from = std::max(drain.begins, WallClock::now());
  std::optional<Duration> left;
  if (drain.deadline) left = *drain.deadline - from;
  if (const auto end = EstimateDrain(remaining, drain.pace, left)) {
    status.estimated_end = After(from, *end);
  }
  return status;
}

DrainOrder OrderFor(const ProbeBook::Key& backend, const DrainStatus& drain, WallTime now) {
  DrainOrder order;
  order.count = {.key = Label(backend.first, backend.second),
                 .remaining = drain.remaining,
                 .pace = drain.pace};
  if (drain.deadline) order.count.left = *drain.deadline - now;
  order.choice = {.pool = backend.first, .backend = backend.second, .idle_first = drain.idle_first};
  return order;
}

}  // namespace

// The operator's, once it has begun.
std::optional<backend::Drain> Controller::DrainUnderWay(std::string_view pool,
                                                        std::string_view name) const {
  const backend::Decision* decision = registry_.FindDecision(pool, name);
  if (decision == nullptr || decision->admin != config::AdminState::kDraining) return std::nullopt;
  return decision->drain;
}

// What has left the snapshot with sessions on it is drained, in its own way.
void Controller::Depart(const backend::Snapshot& before, const backend::Snapshot& after) {
  const WallTime now = WallClock::now();
  for (const Departures::Key& key : departures_.Update(before, after, now)) {
    if (const auto drain = DrainUnderWay(key.first, key.second)) {
      departures_.SetDrain(key.first, key.second, *drain);
    }
    const std::uint32_t sessions = departures_.Find(key.first, key.second)->sessions();
    if (sessions == 0) continue;
    log_.Event(LogLevel::kInfo, "backend removed",
               {{"backend", Label(key.first, key.second)}, {"sessions", sessions}});
  }
}

void Controller::SweepDepartures() {
  const auto gone = departures_.Sweep();
  for (const Departures::Key& key : gone) {
    log_.Event(LogLevel::kInfo, "removed backend is empty",
               {{"backend", Label(key.first, key.second)}});
  }
  if (!gone.empty()) PublishPlan();  // workers forget what they counted for it
}

Answer<Done> Controller::Drain(std::string_view pool, std::string_view name,
                               const DrainWish& wish) {
  const WallTime now = WallClock::now();
  backend::Drain drain{.since = now,
                       .begins = std::max(wish.at.value_or(now), now),
                       .pace = wish.pace,
                       .idle_first = wish.idle_first};
  if (wish.within) drain.deadline = After(drain.begins, *wish.within);
  if (departures_.SetDrain(pool, name, drain)) {
    // Not kept: its sessions end with this process.
    log_.Event(
        LogLevel::kInfo, "operator",
        {{"decided", "drain"}, {"backend", Label(pool, name)}, {"detail", Words(wish, now)}});
    return Done{};
  }
  const auto status = registry_.SetDrain(pool, name, drain, drain.begins <= now);
  return Decided(status, "drain", pool, name, Words(wish, now));
}

Answer<Done> Controller::Undrain(std::string_view pool, std::string_view name) {
  const auto status = Present(pool, name);
  if (!status) return status.error();
  const backend::Decision* decision = registry_.FindDecision(pool, name);
  if (status->admin == config::AdminState::kDraining) {
    return Decided(registry_.SetAdmin(pool, name, config::AdminState::kActive), "undrain", pool,
                   name, "");
  }
  if (decision != nullptr && decision->drain) {
    return Decided(registry_.DropDrain(pool, name), "undrain", pool, name, "before it began");
  }
  return Failure{FailureCode::kConflict, Label(pool, name) + " is not draining", ""};
}

// Drains whose time has come.
void Controller::BeginDrains(WallTime now) {
  std::vector<backend::Decision> due;
  for (const backend::Decision& decision : registry_.decisions()) {
    const bool begun = decision.admin == config::AdminState::kDraining;
    if (decision.drain && !begun && decision.drain->begins <= now) due.push_back(decision);
  }
  for (const backend::Decision& decision : due) {
    // It may be of a backend that the configuration does not have at present.
    if (!registry_.SetDrain(decision.pool, decision.backend, *decision.drain, true)) continue;
    log_.Event(LogLevel::kInfo, "drain begins",
               {{"backend", Label(decision.pool, decision.backend)},
                {"decided", FormatWallTime(decision.drain->since)}});
    SaveState();
  }
}

void Controller::RunDrains() {
  const WallTime now = WallClock::now();
  BeginDrains(now);
  std::vector<DrainOrder> orders;
  for (const backend::PoolView& pool : registry_.snapshot()->pools) {
    for (const backend::BackendView& backend : pool.backends) {
      const auto drain = DrainOf(pool, backend);
      if (!drain || drain->remaining == 0 || (drain->begins && *drain->begins > now)) continue;
      orders.push_back(OrderFor({pool.name, backend.name}, *drain, now));
    }
  }
  for (const auto& [key, departed] : departures_.all()) {
    const DrainStatus drain = DrainOf(departed);
    if (drain.remaining == 0 || *drain.begins > now) continue;
    orders.push_back(OrderFor(key, drain, now));
  }
  BeginDrainAll(now);
  if (refusing_ && !stopping_) {
    DrainOrder& all = orders.emplace_back(OrderFor({}, *DrainOfAll(), now));
    all.count.key = "*";
  }
  if (stopped_) {
    // The grace time of SIGTERM is a window for all that is left.
    DrainOrder& all = orders.emplace_back();
    all.count = {.key = "", .remaining = budget_.active(), .left = stop_deadline_ - Clock::now()};
    all.choice.idle_first = true;
    all.reason = session::CloseReason::kShutdown;
  }
  std::optional<double> budget;
  if (config_.global.drain_pace) budget = config_.global.drain_pace->per_second;
  drainer_.Tick(Clock::now(), budget, std::move(orders));
}

Answer<Done> Controller::DrainAll(const DrainWish& wish) {
  if (stopping_) return Failure{FailureCode::kConflict, "the balancer is stopping", ""};
  const WallTime now = WallClock::now();
  const WallTime noticed = refusing_ ? now : After(now, config_.global.drain_notice);
  backend::Drain drain{.since = now,
                       .begins = std::max(wish.at.value_or(now), noticed),
                       .pace = wish.pace,
                       .idle_first = wish.idle_first};
  if (wish.within) drain.deadline = After(drain.begins, *wish.within);
  drain_all_ = drain;
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", "drain"}, {"backend", "all"}, {"detail", Words(wish, now)}});
  return Done{};
}

Answer<Done> Controller::UndrainAll() {
  if (!drain_all_) return Failure{FailureCode::kConflict, "the balancer is not draining", ""};
  drain_all_.reset();
  if (std::exchange(refusing_, false)) {
    PublishPlan();
    listeners_.ListenAgain(config_, workers_);
  }
  log_.Event(LogLevel::kInfo, "operator",
             {{"decided", "undrain"}, {"backend", "all"}, {"detail", ""}});
  return Done{};
}

// From here on no client is taken.
void Controller::BeginDrainAll(WallTime now) {
  if (!drain_all_ || refusing_ || stopping_ || drain_all_->begins > now) return;
  refusing_ = true;
  Listeners::StopListening(workers_);
  PublishPlan();  // in which a client that is under way is refused
  log_.Event(LogLevel::kInfo, "drain begins",
             {{"backend", "all"}, {"decided", FormatWallTime(drain_all_->since)}});
}

std::optional<DrainStatus> Controller::DrainOfAll() const {
  if (!drain_all_) return std::nullopt;
  return StatusOf(*drain_all_, budget_.active());
}

std::optional<DrainStatus> Controller::DrainOf(const backend::PoolView& pool,
                                               const backend::BackendView& backend) const {
  const backend::Decision* decision = registry_.FindDecision(pool.name, backend.name);
  const config::Pool* configured = config_.FindPool(pool.name);
  const auto down = down_.find({pool.name, backend.name});
  const std::uint32_t remaining = backend.load->active.load(std::memory_order_relaxed);
  if (decision != nullptr && decision->drain) return StatusOf(*decision->drain, remaining);
  // By the configuration, or by a change of the admin state alone.
  if (backend.admin == config::AdminState::kDraining) return DrainStatus{.remaining = remaining};
  if (down == down_.end() || configured == nullptr ||
      configured->on_down != config::OnDown::kDrain) {
    return std::nullopt;
  }
  backend::Drain drain = DrainByStyle(configured->drain, down->second);
  if (!drain.pace && !drain.deadline) drain.pace = kPaceOfDead;
  DrainStatus status = StatusOf(drain, remaining);
  status.cause = DrainCause::kDown;
  return status;
}

DrainStatus Controller::DrainOf(const Departures::Departed& departed) {
  DrainStatus status = StatusOf(departed.drain, departed.sessions());
  status.cause = DrainCause::kRemoved;
  return status;
}

}  // namespace sstplb::control
