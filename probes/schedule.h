// Schedule: who is to be probed when. Pure: time and chance come from outside.
//
// Probes are spread: the first one by the backend's name, so that many backends do not answer at
// once after a start, and each next one by a little chance, so that balancers which were started
// together drift apart.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "lb/base/time.h"

namespace sstplb::probes {

struct TargetKey {
  std::string pool;
  std::string backend;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes its 0 for a pointer
  auto operator<=>(const TargetKey&) const = default;
};

// A share of `spread` in [0, spread) that depends on the key alone.
Duration InitialOffset(const TargetKey& key, Duration spread);

// `interval` give or take 10 %; `random` is uniform over 64 bits.
Duration Jittered(Duration interval, std::uint64_t random);

// When the next probe begins. Intervals are from start to start; a probe that took longer is
// followed at once, never overlapped.
TimePoint NextStart(TimePoint started, TimePoint ended, Duration interval, std::uint64_t random);

// A queue by time. Each id is in it at most once.
class Schedule {
 public:
  void Put(std::uint64_t id, TimePoint due);  // replaces an earlier time
  void Remove(std::uint64_t id);

  std::optional<TimePoint> NextDue() const;
  // The longest due at `now`, taken out; nullopt when none is.
  std::optional<std::uint64_t> TakeDue(TimePoint now);

 private:
  std::set<std::pair<TimePoint, std::uint64_t>> queue_;
  std::map<std::uint64_t, TimePoint> due_;
};

}  // namespace sstplb::probes
