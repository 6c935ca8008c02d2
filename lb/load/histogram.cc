// SPDX-License-Identifier: Apache-2.0
#include "lb/load/histogram.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

namespace sstplb::load {

void Histogram::Add(Duration duration) {
  duration = std::max(duration, Duration::zero());
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  ++buckets_[BucketOf(static_cast<std::uint64_t>(whole))];
  min_ = count_ == 0 ? duration : std::min(min_, duration);
  max_ = std::max(max_, duration);
  ++count_;
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
}

Duration Histogram::Percentile(double share) const {
  if (count_ == 0) return {};
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(MiddleOf(i), min_, max_);
  }
  return max_;
}

// A number of n bits, n > kLinearBits, is told apart by its highest bit and the kLinearBits that
// follow it.
std::size_t Histogram::BucketOf(std::uint64_t microseconds) {
  constexpr std::uint64_t kTop = (std::uint64_t{1} << kTopBits) - 1;
  const std::uint64_t value = std::min(microseconds, kTop);
  if (value < kLinear) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kLinearBits - 1;
  return kLinear * shift + static_cast<std::size_t>(value >> shift);
}

Duration Histogram::MiddleOf(std::size_t bucket) {
  const std::size_t shift = bucket < kLinear ? 0 : bucket / kLinear - 1;
  const auto low = static_cast<std::int64_t>((bucket - kLinear * shift) << shift);
  const std::chrono::microseconds width(std::int64_t{1} << shift);
  return std::chrono::microseconds(low) + Duration(width) / 2;
}

}  // namespace sstplb::load
