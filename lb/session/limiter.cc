// SPDX-License-Identifier: Apache-2.0
#include "lb/session/limiter.h"

#include <algorithm>

namespace sstplb::session {

double TokenBucket::Level(const config::Rate& rate, TimePoint now) const {
  const double refilled = Seconds(now - at_) * rate.per_second;
  return std::max(0.0, used_ - refilled);
}

bool TokenBucket::Take(const config::Rate& rate, TimePoint now) {
  const double used = Level(rate, now);
  if (used + 1 > std::max(rate.burst, 1.0)) return false;
  used_ = used + 1;
  at_ = now;
  return true;
}

bool TokenBucket::Full(const config::Rate& rate, TimePoint now) const {
  return Level(rate, now) == 0;
}

Limiter::Shard& Limiter::ShardOf(const IpAddress& key) {
  return book_->shards[IpAddressHash()(key) % kShards];
}

Admission Limiter::Check(Source& source, TimePoint now) const {
  if (limits_.sessions_per_source != 0 && source.sessions >= limits_.sessions_per_source) {
    return Admission::kSourceSessions;
  }
  if (limits_.rate_per_source && !source.bucket.Take(*limits_.rate_per_source, now)) {
    return Admission::kSourceRate;
  }
  return Admission::kAdmitted;
}

Admission Limiter::Enter(const IpAddress& client, TimePoint now) {
  // The source first: one that is over its own limit must not use up the listener's rate.
  if (limits_sources()) {
    const IpAddress key = client.SourceKey();
    Shard& shard = ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    if (shard.sources.size() >= shard.sweep_at) Sweep(shard, now);
    Source& source = shard.sources[key];
    const Admission admission = Check(source, now);
    if (admission != Admission::kAdmitted) return admission;
    ++source.sessions;
  }
  if (limits_.rate) {
    const std::lock_guard lock(book_->rate_mutex);
    if (book_->rate.Take(*limits_.rate, now)) return Admission::kAdmitted;
  } else {
    return Admission::kAdmitted;
  }
  Leave(client);
  return Admission::kListenerRate;
}

void Limiter::Adopt(const IpAddress& client) {
  if (!limits_sources()) return;
  const IpAddress key = client.SourceKey();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  ++shard.sources[key].sessions;
}

void Limiter::Leave(const IpAddress& client) {
  if (!limits_sources()) return;
  const IpAddress key = client.SourceKey();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.sources.find(key);
  if (found == shard.sources.end()) return;
  if (found->second.sessions > 0) --found->second.sessions;
  // With a rate the bucket must be remembered; the sweep forgets it once it is full again.
  if (found->second.sessions == 0 && !limits_.rate_per_source) shard.sources.erase(found);
}

Admission Limiter::WouldEnter(const IpAddress& client, TimePoint now) {
  if (limits_sources()) {
    const IpAddress key = client.SourceKey();
    Shard& shard = ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.sources.find(key);
    Source copy = found == shard.sources.end() ? Source{} : found->second;
    const Admission admission = Check(copy, now);
    if (admission != Admission::kAdmitted) return admission;
  }
  if (limits_.rate) {
    const std::lock_guard lock(book_->rate_mutex);
    TokenBucket copy = book_->rate;
    if (!copy.Take(*limits_.rate, now)) return Admission::kListenerRate;
  }
  return Admission::kAdmitted;
}

void Limiter::Sweep(Shard& shard, TimePoint now) const {
  std::erase_if(shard.sources, [&](const auto& entry) {
    const Source& source = entry.second;
    return source.sessions == 0 &&
           (!limits_.rate_per_source || source.bucket.Full(*limits_.rate_per_source, now));
  });
  // Sweeping costs what it saves: the next one comes when the shard has doubled.
  shard.sweep_at = std::max<std::size_t>(1024, 2 * shard.sources.size());
}

std::size_t Limiter::Sources() const {
  std::size_t count = 0;
  for (const Shard& shard : book_->shards) {
    const std::lock_guard lock(shard.mutex);
    count += shard.sources.size();
  }
  return count;
}

}  // namespace sstplb::session
