// Histogram: where an observation is counted, and that folding adds.
//
// SPDX-License-Identifier: Apache-2.0
#include "metrics/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sstplb::metrics {
namespace {

using ::testing::ElementsAre;

constexpr std::array kBounds = {0.1, 1.0, 10.0};

TEST(HistogramTest, ABoundBelongsToItsBucket) {
  const struct {
    double seconds;
    std::size_t bucket;
  } kCases[] = {{-1, 0}, {0, 0}, {0.1, 0}, {0.100001, 1}, {1, 1}, {9.99, 2}, {10, 2}, {1e9, 3}};
  for (const auto& c : kCases) {
    Histogram h(kBounds);
    h.Observe(c.seconds);
    EXPECT_EQ(h.counts()[c.bucket], 1u) << c.seconds;
    EXPECT_EQ(h.count(), 1u) << c.seconds;
  }
}

TEST(HistogramTest, TakesDurations) {
  Histogram h(kBounds);
  h.Observe(std::chrono::milliseconds(500));
  h.Observe(std::chrono::seconds(2));
  EXPECT_THAT(h.counts(), ElementsAre(0, 1, 1, 0));
  EXPECT_DOUBLE_EQ(h.sum(), 2.5);
}

TEST(HistogramTest, WhatIsNoNumberIsNotCounted) {
  Histogram h(kBounds);
  h.Observe(std::numeric_limits<double>::quiet_NaN());
  h.Observe(std::numeric_limits<double>::infinity());
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.sum(), 0);
}

TEST(HistogramTest, MergeAddsEveryBucket) {
  Histogram a(kBounds);
  Histogram b(kBounds);
  a.Observe(0.05);
  a.Observe(5.0);
  b.Observe(5.0);
  b.Observe(50.0);
  a.Merge(b);
  EXPECT_THAT(a.counts(), ElementsAre(1, 0, 2, 1));
  EXPECT_DOUBLE_EQ(a.sum(), 60.05);
}

TEST(HistogramTest, BoundsAreAscendingAndFit) {
  for (const std::span<const double> bounds :
       {std::span<const double>(kHandshakeBounds), std::span<const double>(kSessionBounds),
        std::span<const double>(kLoopLagBounds)}) {
    EXPECT_LE(bounds.size(), Histogram::kMaxBounds);
    EXPECT_TRUE(std::ranges::is_sorted(bounds, std::ranges::less_equal()));
  }
  EXPECT_EQ(kHandshakeBounds.front(), 0.001);
  EXPECT_EQ(kHandshakeBounds.back(), 30.0);
  EXPECT_EQ(kSessionBounds.back(), 7 * 86400.0);
}

}  // namespace
}  // namespace sstplb::metrics
