// SPDX-License-Identifier: Apache-2.0
#include "lb/control/affinity.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>

namespace sstplb::control {
namespace {

// Leaves the `most` that are remembered for longest.
void Cut(std::vector<backend::PoolAffinity>& pools, std::size_t most) {
  std::vector<WallTime> times;
  for (const auto& pool : pools) {
    for (const auto& client : pool.clients) times.push_back(client.until);
  }
  if (times.size() <= most) return;
  const auto last = times.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(times.begin(), last, times.end(), std::greater<>());
  const WallTime first_out = *last;
  // Of those of that very second some may stay.
  auto room = most - static_cast<std::size_t>(
                         std::count_if(times.begin(), last, [&](auto t) { return t > first_out; }));
  for (auto& pool : pools) {
    std::erase_if(pool.clients, [&](const backend::AffinityClient& client) {
      if (client.until != first_out) return client.until < first_out;
      if (room == 0) return true;
      --room;
      return false;
    });
  }
}

}  // namespace

std::vector<backend::PoolAffinity> ToAffinity(const std::vector<PoolSticks>& sticks, WallTime now,
                                              std::size_t most) {
  std::vector<backend::PoolAffinity> pools;
  for (const PoolSticks& from : sticks) {
    if (from.entries.empty()) continue;
    backend::PoolAffinity& pool = pools.emplace_back();
    pool.pool = from.pool;
    pool.clients.reserve(from.entries.size());
    std::unordered_map<std::string_view, std::uint32_t> index;
    for (const balance::StickEntry& entry : from.entries) {
      const auto [found, is_new] =
          index.try_emplace(entry.backend, static_cast<std::uint32_t>(index.size()));
      if (is_new) pool.backends.push_back(entry.backend);
      pool.clients.push_back(
          {entry.source, found->second, now + std::chrono::floor<WallClock::duration>(entry.left)});
    }
  }
  Cut(pools, most);
  return pools;
}

std::vector<PoolSticks> ToSticks(const std::vector<backend::PoolAffinity>& affinity,
                                 const backend::Snapshot& snapshot, WallTime now) {
  std::vector<PoolSticks> sticks;
  for (const backend::PoolAffinity& from : affinity) {
    const backend::PoolView* pool = snapshot.Find(from.pool);
    if (pool == nullptr) continue;
    std::vector<bool> known;
    for (const std::string& name : from.backends) known.push_back(pool->Find(name) != nullptr);
    PoolSticks& to = sticks.emplace_back();
    to.pool = from.pool;
    for (const backend::AffinityClient& client : from.clients) {
      if (!known[client.backend] || client.until <= now) continue;
      // However far ahead: a clock that was set back makes nobody be remembered for ever.
      constexpr std::chrono::hours kMost(24 * 366);
      const auto left = std::min<WallClock::duration>(client.until - now, kMost);
      to.entries.push_back({.source = client.source,
                            .backend = from.backends[client.backend],
                            .left = std::chrono::duration_cast<Duration>(left)});
    }
  }
  return sticks;
}

}  // namespace sstplb::control
