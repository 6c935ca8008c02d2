// Which drains there are: the operator's, and those of backends that died.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <utility>

#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

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

Answer<Done> Controller::Drain(std::string_view pool, std::string_view name,
                               const DrainWish& wish) {
  const WallTime now = WallClock::now();
  backend::Drain drain{.since = now,
                       .begins = std::max(wish.at.value_or(now), now),
                       .pace = wish.pace,
                       .idle_first = wish.idle_first};
  if (wish.within) drain.deadline = After(drain.begins, *wish.within);
  const auto status = registry_.SetDrain(pool, name, drain, drain.begins <= now);
  return Decided(status, "drain", pool, name, Words(wish, now));
}

Answer<Done> Controller::Undrain(std::string_view pool, std::string_view name) {
  const auto status = GetBackend(pool, name);
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

std::optional<DrainStatus> Controller::DrainOf(const backend::PoolView& pool,
                                               const backend::BackendView& backend) const {
  const backend::Decision* decision = registry_.FindDecision(pool.name, backend.name);
  const config::Pool* configured = config_.FindPool(pool.name);
  const auto down = down_.find({pool.name, backend.name});
  DrainStatus status{.remaining = backend.load->active.load(std::memory_order_relaxed)};
  const WallTime now = WallClock::now();
  if (decision != nullptr && decision->drain) {
    status.since = decision->drain->since;
    status.begins = decision->drain->begins;
    status.deadline = decision->drain->deadline;
    status.pace = decision->drain->pace;
    status.idle_first = decision->drain->idle_first;
  } else if (backend.admin == config::AdminState::kDraining) {
    // By the configuration, or by a change of the admin state alone.
  } else if (down != down_.end() && configured != nullptr &&
             configured->on_down == config::OnDown::kDrain) {
    const config::DrainStyle& style = configured->drain;
    status.cause = DrainCause::kDown;
    status.since = status.begins = down->second;
    if (style.within) status.deadline = After(down->second, *style.within);
    if (style.pace) status.pace = style.pace->per_second;
    status.idle_first = style.idle_first;
  } else {
    return std::nullopt;
  }
  const WallTime from = std::max(status.begins.value_or(now), now);
  std::optional<Duration> left;
  if (status.deadline) left = *status.deadline - from;
  const auto end = EstimateDrain(status.remaining, status.pace, left);
  if (end) status.estimated_end = After(from, *end);
  return status;
}

}  // namespace sstplb::control
