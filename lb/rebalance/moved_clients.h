// MovedClients: who was moved in the last day, so that nobody is moved again.
//
// A client is a source: an IPv4 address, or the /64 of an IPv6 one. Pure; bounded: when there is no
// room nobody can be noted, and so nobody may be moved.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <set>
#include <vector>

#include "lb/backend/state_text.h"
#include "lb/base/address.h"
#include "lb/base/time.h"

namespace sstplb::rebalance {

using backend::MovedClient;

// One thread. Times are those of the wall, since a day outlives the process.
class MovedClients {
 public:
  static constexpr std::chrono::hours kRemembered{24};
  // One every second or so, all day long.
  static constexpr std::size_t kMost = 100000;

  MovedClients() = default;
  explicit MovedClients(std::size_t most) : most_(most) {}

  // False when there is no room.
  bool Note(const IpAddress& source, WallTime now);
  bool Contains(const IpAddress& source) const { return sources_.contains(source.SourceKey()); }
  bool Full() const { return order_.size() >= most_; }
  std::size_t size() const { return order_.size(); }

  // Forgets whom it is a day ago for, and also who was moved after `now`, by a clock that has been
  // set back: else it could be forever.
  void Expire(WallTime now);

  // For the state file, the longest ago first, and out of it; what is there already wins.
  std::vector<MovedClient> Export() const { return {order_.begin(), order_.end()}; }
  void Restore(const std::vector<MovedClient>& clients, WallTime now);

 private:
  std::size_t most_ = kMost;
  std::deque<MovedClient> order_;  // by time
  std::set<IpAddress> sources_;    // the same
};

}  // namespace sstplb::rebalance
