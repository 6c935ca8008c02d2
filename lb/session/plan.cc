// SPDX-License-Identifier: Apache-2.0
#include "lb/session/plan.h"

namespace sstplb::session {

std::shared_ptr<const ListenerPlan> Plan::FindListener(std::string_view name) const {
  for (const auto& listener : listeners) {
    if (listener->config.name == name) return listener;
  }
  return nullptr;
}

std::shared_ptr<const PoolPlan> Plan::FindPool(std::string_view name) const {
  for (const auto& pool : pools) {
    if (pool->config.name == name) return pool;
  }
  return nullptr;
}

}  // namespace sstplb::session
