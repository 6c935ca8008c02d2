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

class StickTable {
 public:
  static constexpr std::size_t kDefaultMaxEntries = 262144;
  static constexpr std::size_t kShards = 64;

  // What is told to a state file or to the process that takes over.
  struct Entry {
    IpAddress source;  // a SourceKey()
    std::string backend;
    std::uint32_t sessions = 0;
    Duration left{0};  // without a session: until it is forgotten; with some: the time to live

    bool operator==(const Entry&) const = default;
  };

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

  // One session that was remembered is over. More ends than beginnings do no harm.
  void SessionEnded(const IpAddress& source, TimePoint now);

  // Drops what has expired; called now and then, so that Size() tells the truth.
  void Expire(TimePoint now);

  // Entries held, expired ones that nobody has met since included.
  std::size_t Size() const;

  // From now on, for entries that are there as well.
  void SetTtl(Duration ttl) { ttl_.store(ttl, std::memory_order_relaxed); }
  Duration ttl() const { return ttl_.load(std::memory_order_relaxed); }

  // In no order. Locks one shard after the other: what changes meanwhile may be told old or new.
  std::vector<Entry> Export(TimePoint now) const;
  // Adds to what is there; what is there wins. Expects entries from outside to be checked for
  // names; `left` is cut to the time to live.
  void Import(std::vector<Entry> entries, TimePoint now);

 private:
  struct Shard;

  Shard& ShardOf(const IpAddress& source_key) const;
  bool Count(const IpAddress& source, std::string_view backend, bool replace, TimePoint now);

  std::atomic<Duration> ttl_;
  const std::size_t shard_count_;
  const std::size_t max_per_shard_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace sstplb::balance
