// Limits on who may open sessions: a token bucket, and caps and rates per source.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/config/config.h"

namespace sstplb::session {

// A token bucket. Starts full. Not thread-safe; `now` must never go back.
class TokenBucket {
 public:
  // Takes one token if there is one.
  bool Take(const config::Rate& rate, TimePoint now);
  bool Full(const config::Rate& rate, TimePoint now) const;

 private:
  double Level(const config::Rate& rate, TimePoint now) const;

  double used_ = 0;  // tokens below full
  TimePoint at_{};
};

enum class Admission : std::uint8_t { kAdmitted, kSourceSessions, kSourceRate, kListenerRate };

// The limits of one listener over all workers: sessions and rate per source (an IPv6 source is its
// /64), and the listener's own rate. Thread-safe: one small lock per shard of sources, met when a
// session opens and when it ends, and not at all when nothing is limited.
class Limiter {
 public:
  struct Limits {
    std::uint32_t sessions_per_source = 0;  // 0: no cap
    std::optional<config::Rate> rate_per_source;
    std::optional<config::Rate> rate;

    bool operator==(const Limits&) const = default;
  };

  explicit Limiter(const Limits& limits) : limits_(limits), book_(std::make_shared<Book>()) {}
  // Other limits for the same sources: who was counted in by `before` counts here too, and leaves
  // by the one that it entered. Sessions of a time without a limit per source were not counted.
  Limiter(const Limits& limits, const Limiter& before) : limits_(limits), book_(before.book_) {}

  const Limits& limits() const { return limits_; }
  bool limits_sources() const {
    return limits_.sessions_per_source != 0 || limits_.rate_per_source.has_value();
  }

  // Counts a session in when it is admitted; each one that was must be left once.
  Admission Enter(const IpAddress& client, TimePoint now);
  void Leave(const IpAddress& client);
  // Counts a session in that another process admitted, whatever the limits say.
  void Adopt(const IpAddress& client);

  // What Enter() would say, without counting: for `explain`.
  Admission WouldEnter(const IpAddress& client, TimePoint now);

  std::size_t Sources() const;  // that are held in memory

 private:
  struct Source {
    std::uint32_t sessions = 0;
    TokenBucket bucket;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<IpAddress, Source, IpAddressHash> sources;
    std::size_t sweep_at = 1024;  // forget idle sources when there are this many
  };
  static constexpr std::size_t kShards = 64;
  struct Book {
    std::mutex rate_mutex;
    TokenBucket rate;
    std::array<Shard, kShards> shards;
  };

  Shard& ShardOf(const IpAddress& key);
  void Sweep(Shard& shard, TimePoint now) const;
  Admission Check(Source& source, TimePoint now) const;

  const Limits limits_;
  const std::shared_ptr<Book> book_;
};

}  // namespace sstplb::session
