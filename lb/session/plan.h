// Plan: everything a worker needs to know to open sessions, as one immutable value.
//
// The control loop builds a new plan for every change (configuration, operator, health) and gives
// it to each worker whole. A session holds the plan it began with until it is connected, so a
// change never meets it half-way; after that it holds nothing of it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "lb/backend/snapshot.h"
#include "lb/balance/policy.h"
#include "lb/balance/stick_table.h"
#include "lb/config/config.h"
#include "lb/session/limiter.h"
#include "lb/session/router.h"

namespace sstplb::session {

struct PoolPlan {
  config::Pool config;     // its settings; what `backends` says there is superseded by `view`
  backend::PoolView view;  // the backends, by the index that the policy uses
  std::shared_ptr<const balance::Policy> policy;  // built for the members of `view`
  std::shared_ptr<balance::StickTable> sticks;    // only with balance = "source-ip"
};

struct ListenerPlan {
  explicit ListenerPlan(config::Listener c) : config(std::move(c)), router(config) {}
  ListenerPlan(const ListenerPlan&) = delete;
  ListenerPlan& operator=(const ListenerPlan&) = delete;

  const config::Listener config;
  const Router router;
  std::shared_ptr<Limiter> limiter;  // shared by all plans with the same limits
};

struct Plan {
  std::uint64_t generation = 0;
  bool stopping = false;  // no new sessions
  std::vector<std::shared_ptr<const ListenerPlan>> listeners;
  std::vector<std::shared_ptr<const PoolPlan>> pools;

  // Null when there is none of that name.
  std::shared_ptr<const ListenerPlan> FindListener(std::string_view name) const;
  std::shared_ptr<const PoolPlan> FindPool(std::string_view name) const;
};

// How many sessions the whole balancer may hold. Thread-safe.
class SessionBudget {
 public:
  explicit SessionBudget(std::uint32_t limit) : limit_(limit) {}

  // Counts one in; false when there is no room.
  bool Enter() {
    if (active_.fetch_add(1, std::memory_order_relaxed) < limit_.load(std::memory_order_relaxed)) {
      return true;
    }
    Leave();
    return false;
  }
  // One that another process admitted.
  void Adopt() { active_.fetch_add(1, std::memory_order_relaxed); }
  void Leave() { active_.fetch_sub(1, std::memory_order_relaxed); }

  void SetLimit(std::uint32_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::uint32_t active() const { return active_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> limit_;
  std::atomic<std::uint32_t> active_{0};
};

}  // namespace sstplb::session
