// SPDX-License-Identifier: Apache-2.0
#include "lb/control/plan_builder.h"

#include <algorithm>
#include <utility>

#include "lb/balance/make_policy.h"

namespace sstplb::control {
namespace {

std::vector<balance::Member> MembersOf(const backend::PoolView& view) {
  std::vector<balance::Member> members;
  members.reserve(view.backends.size());
  for (const auto& backend : view.backends) members.push_back({backend.name, backend.weight});
  return members;
}

session::Limiter::Limits LimitsOf(const config::Listener& listener) {
  return {.sessions_per_source = listener.max_sessions_per_source,
          .rate_per_source = listener.session_rate_per_source,
          .rate = listener.session_rate};
}

template <class Map, class Items>
void ForgetAbsent(Map& map, const Items& items) {
  std::erase_if(map, [&](const auto& entry) {
    return std::none_of(items.begin(), items.end(),
                        [&](const auto& item) { return item.name == entry.first; });
  });
}

}  // namespace

std::shared_ptr<const session::Plan> PlanBuilder::Build(const config::Config& config,
                                                        const backend::Snapshot& snapshot,
                                                        bool stopping) {
  auto plan = std::make_shared<session::Plan>();
  plan->generation = ++generation_;
  plan->stopping = stopping;
  for (const config::Pool& pool : config.pools) {
    const backend::PoolView* view = snapshot.Find(pool.name);
    if (view != nullptr) plan->pools.push_back(BuildPool(pool, *view));
  }
  for (const config::Listener& listener : config.listeners) {
    plan->listeners.push_back(BuildListener(listener));
  }
  ForgetAbsent(pools_, config.pools);
  ForgetAbsent(listeners_, config.listeners);
  return plan;
}

std::shared_ptr<balance::StickTable> PlanBuilder::Sticks(const std::string& pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? nullptr : found->second.sticks;
}

std::vector<PoolSticks> PlanBuilder::ExportSticks(TimePoint now) const {
  std::vector<PoolSticks> all;
  for (const auto& [name, memory] : pools_) {
    if (memory.sticks != nullptr) all.push_back({name, memory.sticks->Export(now)});
  }
  return all;
}

void PlanBuilder::RestoreSticks(std::vector<PoolSticks> sticks, TimePoint now) {
  for (PoolSticks& one : sticks) {
    if (const auto table = Sticks(one.pool)) table->Restore(std::move(one.entries), now);
  }
}

std::shared_ptr<const session::PoolPlan> PlanBuilder::BuildPool(const config::Pool& pool,
                                                                const backend::PoolView& view) {
  PoolMemory& memory = pools_[pool.name];
  if (pool.balance != config::Balance::kSourceIp) {
    memory.sticks.reset();
  } else if (memory.sticks == nullptr) {
    memory.sticks = std::make_shared<balance::StickTable>(pool.source_ip_ttl);
  } else {
    memory.sticks->SetTtl(pool.source_ip_ttl);
  }
  auto members = MembersOf(view);
  const bool same = memory.policy != nullptr && memory.balance == pool.balance &&
                    memory.max_load == pool.max_load &&
                    std::ranges::equal(memory.policy->members(), members);
  if (!same) {
    memory.policy =
        balance::MakePolicy(pool.balance, std::move(members), pool.max_load, memory.sticks);
    memory.balance = pool.balance;
    memory.max_load = pool.max_load;
  }
  auto plan = std::make_shared<session::PoolPlan>();
  plan->config = pool;
  plan->view = view;
  plan->policy = memory.policy;
  plan->sticks = memory.sticks;
  return plan;
}

std::shared_ptr<const session::ListenerPlan> PlanBuilder::BuildListener(
    const config::Listener& listener) {
  auto& known = listeners_[listener.name];
  if (known != nullptr && known->config == listener) return known;
  auto plan = std::make_shared<session::ListenerPlan>(listener);
  const auto limits = LimitsOf(listener);
  if (known == nullptr) {
    plan->limiter = std::make_shared<session::Limiter>(limits);
  } else {
    plan->limiter = known->limiter->limits() == limits
                        ? known->limiter
                        : std::make_shared<session::Limiter>(limits, *known->limiter);
  }
  known = plan;
  return known;
}

}  // namespace sstplb::control
