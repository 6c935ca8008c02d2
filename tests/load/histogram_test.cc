// SPDX-License-Identifier: Apache-2.0
#include "lb/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace sstplb::load {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min().count(), 0);
  EXPECT_EQ(histogram.max().count(), 0);
  EXPECT_EQ(histogram.Percentile(0.5).count(), 0);
}

TEST(Histogram, OneDurationIsEveryPercentile) {
  for (const Duration one :
       {Duration(0), Duration(1), Duration(microseconds(31)), Duration(microseconds(32)),
        Duration(milliseconds(7)), Duration(seconds(20)), Duration(hours(200))}) {
    Histogram histogram;
    histogram.Add(one);
    for (const double share : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(histogram.Percentile(share), one);
  }
}

TEST(Histogram, ANegativeDurationIsZeroAndALongOneIsKept) {
  Histogram histogram;
  histogram.Add(milliseconds(-3));
  histogram.Add(hours(100));
  EXPECT_EQ(histogram.min().count(), 0);
  EXPECT_EQ(histogram.max(), hours(100));
  EXPECT_EQ(histogram.count(), 2u);
}

// The naive twin: all durations in a list, sorted.
Duration Naive(std::vector<Duration> all, double share) {
  std::sort(all.begin(), all.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size())));
  return all[std::max<std::size_t>(rank, 1) - 1];
}

TEST(Histogram, AgreesWithASortedListWithinItsWord) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    // From microseconds to minutes, evenly over the orders of magnitude.
    std::uniform_real_distribution<double> exponent(3.0, 11.0);
    Histogram histogram;
    std::vector<Duration> all;
    for (int i = 0; i < 2000; ++i) {
      all.emplace_back(static_cast<std::int64_t>(std::pow(10.0, exponent(random))));
      histogram.Add(all.back());
    }
    for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const double exact = Seconds(Naive(all, share));
      const double told = Seconds(histogram.Percentile(share));
      EXPECT_NEAR(told, exact, exact * 0.016 + 0.6e-6) << share;
    }
    EXPECT_EQ(histogram.min(), Naive(all, 0));
    EXPECT_EQ(histogram.max(), Naive(all, 1));
  }
}

TEST(Histogram, MergedIsAsIfAddedToOne) {
  Histogram one;
  Histogram two;
  Histogram both;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? one : two).Add(microseconds(i * i));
    both.Add(microseconds(i * i));
  }
  Histogram merged;
  merged.Merge(one);
  merged.Merge(Histogram());
  merged.Merge(two);
  EXPECT_EQ(merged.count(), both.count());
  EXPECT_EQ(merged.min(), both.min());
  EXPECT_EQ(merged.max(), both.max());
  for (const double share : {0.01, 0.5, 0.9, 0.99}) {
    EXPECT_EQ(merged.Percentile(share), both.Percentile(share));
  }
}

TEST(Histogram, NeverGoesBackAsTheShareGrows) {
  Histogram histogram;
  for (int i = 0; i < 40; ++i) histogram.Add(microseconds(std::int64_t{1} << i % 36));
  Duration before{};
  for (int i = 0; i <= 100; ++i) {
    const Duration now = histogram.Percentile(i / 100.0);
    EXPECT_GE(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace sstplb::load
