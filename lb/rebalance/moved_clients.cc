// SPDX-License-Identifier: Apache-2.0
#include "lb/rebalance/moved_clients.h"

#include <algorithm>

namespace sstplb::rebalance {

bool MovedClients::Note(const IpAddress& source, WallTime now) {
  Expire(now);
  if (Full() || Contains(source)) return false;
  sources_.insert(source.SourceKey());
  order_.push_back({source.SourceKey(), now});
  return true;
}

void MovedClients::Expire(WallTime now) {
  while (!order_.empty() && order_.front().when <= now - kRemembered) {
    sources_.erase(order_.front().source);
    order_.pop_front();
  }
  while (!order_.empty() && order_.back().when > now) {
    sources_.erase(order_.back().source);
    order_.pop_back();
  }
}

void MovedClients::Restore(const std::vector<MovedClient>& clients, WallTime now) {
  for (const MovedClient& client : clients) {
    if (Full() || !sources_.insert(client.source.SourceKey()).second) continue;
    order_.push_back({client.source.SourceKey(), client.when});
  }
  std::ranges::stable_sort(order_, {}, &MovedClient::when);
  Expire(now);
}

}  // namespace sstplb::rebalance
