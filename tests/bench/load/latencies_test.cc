// Percentiles against what can be counted by hand.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/latencies.h"

#include <gtest/gtest.h>

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;

TEST(Latencies, OfNothingAreZero) { EXPECT_EQ(Latencies().Microseconds(0.5), 0); }

TEST(Latencies, AreTakenByRank) {
  Latencies latencies;
  for (int i = 1000; i > 0; --i) latencies.Add(i * 1us);
  EXPECT_EQ(latencies.count(), 1000U);
  EXPECT_EQ(latencies.Microseconds(0.5), 500);
  EXPECT_EQ(latencies.Microseconds(0.999), 999);
  EXPECT_EQ(latencies.Microseconds(1), 1000);
}

TEST(Latencies, MayBeAddedAfterALook) {
  Latencies latencies;
  latencies.Add(5us);
  EXPECT_EQ(latencies.Microseconds(0.01), 5);
  latencies.Add(1500ns);
  EXPECT_EQ(latencies.Microseconds(0.5), 1.5);
  EXPECT_EQ(latencies.Microseconds(0.51), 5);
}

}  // namespace
}  // namespace sstplb::bench
