// SPDX-License-Identifier: Apache-2.0
#include "probes/schedule.h"

#include <algorithm>

#include "lb/base/hash.h"

namespace sstplb::probes {
namespace {

constexpr std::uint64_t kOffsetSeed = 0x70726f6265;  // "probe"

// 64 random bits as a number in [0, 1).
double Unit(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

Duration Scale(Duration duration, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
}

}  // namespace

Duration InitialOffset(const TargetKey& key, Duration spread) {
  return Scale(spread, Unit(Hash64(key.pool + "/" + key.backend, kOffsetSeed)));
}

Duration Jittered(Duration interval, std::uint64_t random) {
  return Scale(interval, 0.9 + 0.2 * Unit(random));
}

TimePoint NextStart(TimePoint started, TimePoint ended, Duration interval, std::uint64_t random) {
  return std::max(started + Jittered(interval, random), ended);
}

void Schedule::Put(std::uint64_t id, TimePoint due) {
  Remove(id);
  due_[id] = due;
  queue_.insert({due, id});
}

void Schedule::Remove(std::uint64_t id) {
  const auto at = due_.find(id);
  if (at == due_.end()) return;
  queue_.erase({at->second, id});
  due_.erase(at);
}

std::optional<TimePoint> Schedule::NextDue() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::optional<std::uint64_t> Schedule::TakeDue(TimePoint now) {
  if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
  const std::uint64_t id = queue_.begin()->second;
  Remove(id);
  return id;
}

}  // namespace sstplb::probes
