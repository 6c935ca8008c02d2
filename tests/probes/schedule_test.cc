// SPDX-License-Identifier: Apache-2.0
#include "probes/schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Schedule, GivesKeysInTheOrderOfTheirTime) {
  const TimePoint start{};
  Schedule schedule;
  schedule.Put(2, start + seconds(2));
  schedule.Put(1, start + seconds(3));
  schedule.Put(3, start + seconds(1));
  schedule.Put(1, start + seconds(1));  // moved
  schedule.Put(4, start + seconds(1));
  schedule.Remove(4);
  EXPECT_EQ(schedule.NextDue(), start + seconds(1));
  EXPECT_FALSE(schedule.TakeDue(start + milliseconds(999)));
  std::string order;
  while (const auto id = schedule.TakeDue(start + seconds(2))) order += std::to_string(*id);
  EXPECT_EQ(order, "132");
  EXPECT_FALSE(schedule.NextDue());
}

TEST(Schedule, FirstProbesAreSpreadOverTheirInterval) {
  std::vector<int> tenths(10);
  for (int i = 0; i < 1000; ++i) {
    const Duration offset = InitialOffset({"main", "vpn" + std::to_string(i)}, seconds(1));
    ASSERT_GE(offset, Duration::zero());
    ASSERT_LT(offset, seconds(1));
    ++tenths[static_cast<std::size_t>(offset / milliseconds(100))];
  }
  for (const int count : tenths) EXPECT_NEAR(count, 100, 40);
  EXPECT_EQ(InitialOffset({"main", "vpn1"}, seconds(1)),
            InitialOffset({"main", "vpn1"}, seconds(1)));
}

TEST(Schedule, JitterIsATenthEitherWay) {
  EXPECT_EQ(Jittered(seconds(10), 0), seconds(9));
  EXPECT_NEAR(Seconds(Jittered(seconds(10), kMost)), 11.0, 1e-6);
  EXPECT_NEAR(Seconds(Jittered(seconds(10), kMost / 2)), 10.0, 1e-6);
}

TEST(Schedule, IntervalsCountFromStartToStart) {
  const TimePoint start{};
  EXPECT_EQ(NextStart(start, start + seconds(1), seconds(10), 0), start + seconds(9));
  EXPECT_EQ(NextStart(start, start + seconds(20), seconds(10), 0), start + seconds(20))
      << "a probe that took longer is followed at once";
}

}  // namespace
}  // namespace sstplb::probes
