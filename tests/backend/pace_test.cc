// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/pace.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sstplb::backend {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint(1000s);

TEST(Pace, BeginsFullAndKeepsTheRate) {
  Pace pace;
  const config::Rate rate{10, 5};
  int taken = 0;
  while (pace.Take(rate, kStart)) ++taken;
  EXPECT_EQ(taken, 5);
  for (Duration at = 0s; at <= 10s; at += 1ms) taken += pace.Take(rate, kStart + at) ? 1 : 0;
  EXPECT_EQ(taken, 105);
  taken = 0;
  while (pace.Take(rate, kStart + 3600s)) ++taken;
  EXPECT_EQ(taken, 5);
}

TEST(Pace, OfLessThanOneASecond) {
  Pace pace;
  const config::Rate rate{0.5, 1};
  EXPECT_TRUE(pace.Take(rate, kStart));
  EXPECT_FALSE(pace.Take(rate, kStart + 1999ms));
  EXPECT_TRUE(pace.Take(rate, kStart + 2s));
}

TEST(Pace, WhetherItHasOneTakesNone) {
  Pace pace;
  const config::Rate rate{10, 2};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pace.Has(rate, kStart));
  EXPECT_TRUE(pace.Take(rate, kStart));
  EXPECT_TRUE(pace.Has(rate, kStart));
  EXPECT_TRUE(pace.Take(rate, kStart));
  EXPECT_FALSE(pace.Has(rate, kStart + 99ms));
  EXPECT_TRUE(pace.Has(rate, kStart + 100ms));
  EXPECT_TRUE(pace.Take(rate, kStart + 100ms));
}

TEST(Pace, ThreadsShareIt) {
  Pace pace;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10000; ++n) taken += pace.Take({1, 1000}, kStart) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace sstplb::backend
