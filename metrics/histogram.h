// Histogram: counts observations in fixed buckets, cheap enough for the data path.
//
// Single-threaded: every worker has its own and they are folded with Merge() when somebody asks.
// An observation costs a binary search over at most kMaxBounds numbers and no allocation.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <span>

namespace sstplb::metrics {

// Upper bounds of buckets in seconds, ascending; what is above the last one has a bucket too.
inline constexpr std::array kHandshakeBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};
// 1 s to 7 days: from a tunnel that fails at once to one that is always on.
inline constexpr std::array kSessionBounds = {
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, 28800.0, 86400.0, 259200.0, 604800.0};
// 0.1 ms, a neighbour, to 2.5 s, a satellite in trouble.
inline constexpr std::array kRttBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                          0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   2.5};
// Silence, around the 60 s of SSTP.
inline constexpr std::array kSilenceBounds = {1.0,  5.0,  10.0,  20.0,  30.0,  45.0, 60.0,
                                              75.0, 90.0, 120.0, 150.0, 300.0, 900.0};
inline constexpr std::array kLoopLagBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                              0.01,   0.025,   0.05,   0.1,   0.25,   1.0};

// How long a handoff keeps tunnels waiting.
inline constexpr std::array kPauseBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                            0.1,   0.25,   0.5,   1.0,  2.5};

class Histogram {
 public:
  static constexpr std::size_t kMaxBounds = 15;

  // `bounds` must outlive the histogram and be ascending: one of the arrays above.
  explicit constexpr Histogram(std::span<const double> bounds) : bounds_(bounds) {
    assert(bounds.size() <= kMaxBounds);
  }

  void Observe(double seconds) {
    if (!std::isfinite(seconds)) return;
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds);
    ++counts_[static_cast<std::size_t>(bucket - bounds_.begin())];
    sum_ += seconds;
  }
  void Observe(std::chrono::nanoseconds duration) {
    Observe(std::chrono::duration<double>(duration).count());
  }

  // Adds what `other`, which has the same bounds, has seen.
  void Merge(const Histogram& other) {
    assert(std::ranges::equal(bounds_, other.bounds_));
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

  // What another process has counted, as its counts() and sum(). Other bounds are passed over.
  void Restore(std::span<const std::uint64_t> counts, double sum) {
    if (counts.size() != bounds_.size() + 1) return;
    std::ranges::copy(counts, counts_.begin());
    sum_ = sum;
  }

  std::span<const double> bounds() const { return bounds_; }
  // One count per bound and one for all above; not cumulative.
  std::span<const std::uint64_t> counts() const {
    return std::span(counts_).first(bounds_.size() + 1);
  }
  double sum() const { return sum_; }
  std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const std::uint64_t n : counts_) total += n;
    return total;
  }

 private:
  std::span<const double> bounds_;
  std::array<std::uint64_t, kMaxBounds + 1> counts_{};
  double sum_ = 0;
};

}  // namespace sstplb::metrics
