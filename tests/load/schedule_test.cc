// SPDX-License-Identifier: Apache-2.0
#include "lb/load/schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace sstplb::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

TEST(Schedule, EventsComeEvenlyApartAndEnd) {
  Schedule schedule(4, milliseconds(100), 0, 1);
  EXPECT_EQ(schedule.Next(), Duration(0));
  EXPECT_EQ(schedule.Take(Duration(0), kAny), 1u);
  EXPECT_EQ(schedule.Take(Duration(0), kAny), 0u);
  EXPECT_EQ(schedule.Next(), Duration(milliseconds(100)));
  EXPECT_EQ(schedule.Take(milliseconds(99), kAny), 0u);
  EXPECT_EQ(schedule.Take(milliseconds(250), kAny), 2u);
  EXPECT_EQ(schedule.Take(seconds(9), kAny), 1u);
  EXPECT_EQ(schedule.Next(), std::nullopt);
  EXPECT_EQ(schedule.Take(seconds(99), kAny), 0u);
}

TEST(Schedule, WithoutADistanceAllIsDueAtOnceButTakenInPortions) {
  Schedule schedule(10, Duration(0), 0, 1);
  EXPECT_EQ(schedule.Take(Duration(0), 4), 4u);
  EXPECT_EQ(schedule.Take(Duration(0), 4), 4u);
  EXPECT_EQ(schedule.Take(Duration(0), 4), 2u);
}

TEST(Schedule, WorkersTakeEachEventOnceAndInTurn) {
  constexpr unsigned kShares = 3;
  std::multiset<Duration> seen;
  for (unsigned share = 0; share < kShares; ++share) {
    Schedule schedule(10, milliseconds(20), share, kShares);
    while (const auto next = schedule.Next()) {
      seen.insert(*next);
      EXPECT_EQ(schedule.Take(*next, 1), 1u);
    }
  }
  ASSERT_EQ(seen.size(), 10u);
  Duration expected{};
  for (const Duration at : seen) {
    EXPECT_EQ(at, expected);
    expected += milliseconds(20);
  }
}

TEST(Schedule, AWorkerBeyondTheEventsHasNothingToDo) {
  Schedule schedule(2, seconds(1), 5, 8);
  EXPECT_EQ(schedule.Next(), std::nullopt);
}

TEST(Schedule, MayHaveNoEnd) {
  Schedule schedule(kEndless, milliseconds(1), 0, 2);
  EXPECT_EQ(schedule.Take(std::chrono::hours(1), 1000), 1000u);
  EXPECT_EQ(schedule.Next(), Duration(seconds(2)));
}

TEST(Pacing, GivesTheAskedBytesInPacketsThatFit) {
  struct Case {
    std::uint64_t rate;
    std::size_t size;
    std::uint32_t packets;
  };
  constexpr Case kCases[] = {
      {1, 1, 1},               // one byte a second
      {100, 100, 1},           // one packet a second
      {1200, 1200, 1},         //
      {2400, 1200, 1},         // two a second
      {102400, 1200, 1},       // 100 KiB/s: one every 11.7 ms
      {120000, 1200, 1},       // just every 10 ms
      {1200000, 1200, 10},     // bursts of ten every 10 ms
      {100000000, 1200, 833},  // 100 MB/s
  };
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.rate);
    const Pacing pacing = MakePacing(row.rate, 1200);
    EXPECT_EQ(pacing.size, row.size);
    EXPECT_EQ(pacing.packets, row.packets);
    EXPECT_GE(pacing.every, milliseconds(9));
    EXPECT_LE(pacing.every, seconds(1));
    const double rate = static_cast<double>(pacing.size * pacing.packets) / Seconds(pacing.every);
    EXPECT_NEAR(rate, static_cast<double>(row.rate), static_cast<double>(row.rate) * 0.001);
  }
}

}  // namespace
}  // namespace sstplb::load
