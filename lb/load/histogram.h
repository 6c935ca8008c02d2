// Histogram: durations in log-linear buckets, for percentiles in bounded memory.
//
// Below 32 us a bucket is one microsecond; above, every doubling has 32 of them, so that a
// percentile is off by 1.6 % at most. Anything above 71 minutes counts as that. Minimum and maximum
// are exact.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lb/base/time.h"

namespace sstplb::load {

// A plain value of 7 KiB. Not thread-safe.
class Histogram {
 public:
  // A negative duration counts as zero.
  void Add(Duration duration);
  void Merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  // Zero when nothing was added, here and below.
  Duration min() const { return min_; }
  Duration max() const { return max_; }
  // The smallest duration that at least this share of all does not exceed; `share` is in [0, 1].
  Duration Percentile(double share) const;

 private:
  static constexpr unsigned kLinearBits = 5;
  static constexpr std::size_t kLinear = 1U << kLinearBits;
  static constexpr unsigned kTopBits = 32;  // 2^32 us
  static constexpr std::size_t kBuckets = kLinear * (kTopBits - kLinearBits + 1);

  static std::size_t BucketOf(std::uint64_t microseconds);
  static Duration MiddleOf(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Duration min_{};
  Duration max_{};
};

}  // namespace sstplb::load
