// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/stick_table.h"

#include <algorithm>
#include <utility>

namespace sstplb::balance {

// Entries without a session form a list in the order in which they lost their last one; its front
// is the first to expire and the first to make way.
struct StickTable::Shard {
  struct Slot {
    std::string backend;
    std::uint32_t sessions = 0;
    TimePoint ended;  // while there are none
    std::list<IpAddress>::iterator idle_at;
  };
  using Map = std::unordered_map<IpAddress, Slot, IpAddressHash>;

  mutable std::mutex mutex;
  Map map;
  std::list<IpAddress> idle;

  void Add(const IpAddress& source, std::string backend, std::uint32_t sessions, TimePoint ended) {
    Slot& slot = map[source];
    slot.backend = std::move(backend);
    slot.sessions = sessions;
    if (sessions == 0) PutIdle(source, slot, ended);
  }
  void PutIdle(const IpAddress& source, Slot& slot, TimePoint ended) {
    slot.ended = ended;
    slot.idle_at = idle.insert(idle.end(), source);
  }
  void EraseOldestIdle() {
    map.erase(idle.front());
    idle.pop_front();
  }
  void Expire(TimePoint now, Duration ttl) {
    while (!idle.empty() && now - map.find(idle.front())->second.ended >= ttl) EraseOldestIdle();
  }
  bool MakeRoom(std::size_t max) {
    while (map.size() >= max && !idle.empty()) EraseOldestIdle();
    return map.size() < max;
  }
};

StickTable::StickTable(Duration ttl, std::size_t max_entries, std::size_t shards)
    : ttl_(ttl),
      shard_count_(std::max<std::size_t>(1, shards)),
      max_per_shard_(std::max<std::size_t>(1, max_entries / shard_count_)),
      shards_(std::make_unique<Shard[]>(shard_count_)) {}

StickTable::~StickTable() = default;

StickTable::Shard& StickTable::ShardOf(const IpAddress& source_key) const {
  // The map of a shard uses the low bits of the same hash.
  const std::uint64_t high = static_cast<std::uint64_t>(IpAddressHash()(source_key)) >> 32;
  return shards_[high % shard_count_];
}

std::optional<std::string> StickTable::Lookup(const IpAddress& source, TimePoint now) const {
  const IpAddress key = source.SourceKey();
  const Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(key);
  if (found == shard.map.end()) return std::nullopt;
  const Shard::Slot& slot = found->second;
  if (slot.sessions == 0 && now - slot.ended >= ttl()) return std::nullopt;
  return slot.backend;
}

bool StickTable::Remember(const IpAddress& source, std::string_view backend, TimePoint now) {
  return Count(source, backend, /*replace=*/true, now);
}

bool StickTable::Adopt(const IpAddress& source, std::string_view backend, TimePoint now) {
  return Count(source, backend, /*replace=*/false, now);
}

bool StickTable::Count(const IpAddress& source, std::string_view backend, bool replace,
                       TimePoint now) {
  const IpAddress key = source.SourceKey();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(key);
  if (found != shard.map.end()) {
    Shard::Slot& slot = found->second;
    if (slot.sessions == 0) shard.idle.erase(slot.idle_at);
    ++slot.sessions;
    if (replace) slot.backend = backend;
    Changed();
    return true;
  }
  shard.Expire(now, ttl());
  if (!shard.MakeRoom(max_per_shard_)) return false;
  shard.Add(key, std::string(backend), 1, now);
  Changed();
  return true;
}

void StickTable::Redirect(const IpAddress& source, std::string_view from, std::string_view to) {
  const IpAddress key = source.SourceKey();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(key);
  if (found == shard.map.end() || found->second.backend != from) return;
  found->second.backend = to;
  Changed();
}

void StickTable::SessionEnded(const IpAddress& source, TimePoint now) {
  const IpAddress key = source.SourceKey();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(key);
  if (found == shard.map.end() || found->second.sessions == 0) return;
  if (--found->second.sessions == 0) shard.PutIdle(key, found->second, now);
  Changed();
}

void StickTable::Expire(TimePoint now) {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    shards_[i].Expire(now, ttl());
  }
}

std::size_t StickTable::Size() const {
  std::size_t size = 0;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    size += shards_[i].map.size();
  }
  return size;
}

std::vector<StickEntry> StickTable::Export(TimePoint now) const {
  std::vector<StickEntry> entries;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    for (const auto& [source, slot] : shards_[i].map) {
      const Duration left = slot.sessions != 0 ? ttl() : ttl() - (now - slot.ended);
      if (left > Duration::zero()) entries.push_back({source, slot.backend, slot.sessions, left});
    }
  }
  return entries;
}

void StickTable::Restore(std::vector<StickEntry> entries, TimePoint now) {
  std::sort(entries.begin(), entries.end(),
            [](const StickEntry& a, const StickEntry& b) { return a.left < b.left; });
  for (StickEntry& entry : entries) {
    const Duration left = std::min(entry.left, ttl());
    if (left <= Duration::zero()) continue;
    const IpAddress key = entry.source.SourceKey();
    Shard& shard = ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    if (shard.map.count(key) != 0 || shard.map.size() >= max_per_shard_) continue;
    shard.Add(key, std::move(entry.backend), entry.sessions, now - (ttl() - left));
  }
}

}  // namespace sstplb::balance
