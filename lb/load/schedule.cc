// SPDX-License-Identifier: Apache-2.0
#include "lb/load/schedule.h"

#include <algorithm>
#include <cmath>

namespace sstplb::load {
namespace {

constexpr Duration kShortest = std::chrono::milliseconds(10);

}  // namespace

std::uint32_t Schedule::Take(Duration since, std::uint32_t most) {
  std::uint32_t taken = 0;
  while (taken < most) {
    const std::optional<Duration> next = Next();
    if (!next || *next > since) break;
    next_ += shares_;
    ++taken;
  }
  return taken;
}

std::optional<Duration> Schedule::Next() const {
  if (next_ >= events_) return std::nullopt;
  return every_ * static_cast<std::int64_t>(next_);
}

Pacing MakePacing(std::uint64_t bytes_per_second, std::size_t largest) {
  Pacing pacing;
  pacing.size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_per_second, largest));
  const double packets_per_second =
      static_cast<double>(bytes_per_second) / static_cast<double>(pacing.size);
  const double together = std::max(1.0, packets_per_second * Seconds(kShortest));
  pacing.packets = static_cast<std::uint32_t>(std::lround(together));
  pacing.every = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(pacing.packets / packets_per_second));
  return pacing;
}

}  // namespace sstplb::load
