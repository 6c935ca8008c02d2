// StickTable: which backend a source was last at, for source-ip balancing.
//
// An IPv4 source is itself, an IPv6 source its /64. An entry counts the live sessions of its source
// and is kept while there are any, then for the time to live. Bounded: when there is no room, the
// entry that has been without a session for longest makes way; if all have sessions, the newcomer
// is not remembered. Any thread; sharded by source, one small lock each, held for one look-up or
// one change. Time is a parameter and may step back by the little that threads differ.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/time.h"

namespace sstplb::balance {

// One source as a plain value: what is told to a state file or to the process that takes over.
struct StickEntry {
  IpAddress source;  // a SourceKey()
  std::string backend;
  std::uint32_t sessions = 0;  // live ones
  // A span, so that it means the same to another process and another clock: how long after Export()
  // it is forgotten; with live sessions the whole time to live.
  Duration left{0};

  bool operator==(const StickEntry&) const = default;
};

class StickTable {
 public:
  static constexpr std::size_t kDefaultMaxEntries = 262144;
  static constexpr std::size_t kShards = 64;

  // `max_entries` is split evenly over the shards, at least one each; `shards` >= 1.
  explicit StickTable(Duration ttl, std::size_t max_entries = kDefaultMaxEntries,
                      std::size_t shards = kShards);
  ~StickTable();
  StickTable(const StickTable&) = delete;
  StickTable& operator=(const StickTable&) = delete;

  // The name of the backend, while it is remembered.
  std::optional<std::string> Lookup(const IpAddress& source, TimePoint now) const;

  // A session of `source` has been connected to `backend`: remembers it, in place of an earlier
  // one, and counts the session. False when there was no room.
  bool Remember(const IpAddress& source, std::string_view backend, TimePoint now);

  // Counts a session that another process connected. Unlike Remember() it leaves the backend of an
  // entry that is there as it is: that of the latest session, which this one need not be.
  bool Adopt(const IpAddress& source, std::string_view backend, TimePoint now);

  // Who is remembered at `from` is remembered at `to` instead; sessions go on counting.
  void Redirect(const IpAddress& source, std::string_view from, std::string_view to);

  // One session that was remembered is over. More ends than beginnings do no harm.
  void SessionEnded(const IpAddress& source, TimePoint now);

  // Drops what has expired; called now and then, so that Size() tells the truth.
  void Expire(TimePoint now);

  // Entries held, expired ones that nobody has met since included.
  std::size_t Size() const;

  // From now on, for entries that are there as well.
  void SetTtl(Duration ttl) { ttl_.store(ttl, std::memory_order_relaxed); }
  Duration ttl() const { return ttl_.load(std::memory_order_relaxed); }

  // Counts up with every change that Remember(), Redirect() and SessionEnded() make: whether an
  // Export() would tell something new.
  std::uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }

  // All that has not expired, in no order. Locks one shard after the other, each for the copying of
  // its own entries: what changes meanwhile may be told old or new.
  std::vector<StickEntry> Export(TimePoint now) const;
  // Adds to what is there; what is there wins, and what has no room is left out. `left` counts from
  // `now` and is cut to the time to live. `sessions` are expected to end by SessionEnded(), one
  // each: of an entry whose sessions did not come along it has to be set to 0, or it would never be
  // forgotten. Names of backends are taken as they are; one that no longer exists is passed over
  // when its client comes back. Meant for a table that has just been made.
  void Restore(std::vector<StickEntry> entries, TimePoint now);

 private:
  struct Shard;

  Shard& ShardOf(const IpAddress& source_key) const;
  bool Count(const IpAddress& source, std::string_view backend, bool replace, TimePoint now);

  void Changed() { changes_.fetch_add(1, std::memory_order_relaxed); }

  std::atomic<Duration> ttl_;
  std::atomic<std::uint64_t> changes_{0};
  const std::size_t shard_count_;
  const std::size_t max_per_shard_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace sstplb::balance
