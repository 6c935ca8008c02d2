// Deadlines of many links at once: order, re-arming, and links that go away.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/timeouts.h"

#include <gtest/gtest.h>

#include <memory>

namespace sstplb::session {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

TEST(Timeouts, ExpireInOrderOfTheirDeadline) {
  Timeouts timeouts;
  TimeoutLink slow, quick;
  timeouts.Arm(slow, seconds(10), kStart);
  timeouts.Arm(quick, seconds(2), kStart);
  EXPECT_EQ(timeouts.Next(), kStart + seconds(2));
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(1)), nullptr);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(2)), &quick);
  EXPECT_FALSE(quick.armed());
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(2)), nullptr);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(10)), &slow);
  EXPECT_EQ(timeouts.Next(), std::nullopt);
}

TEST(Timeouts, ArmingAgainMovesTheDeadlineBack) {
  Timeouts timeouts;
  TimeoutLink first, second;
  timeouts.Arm(first, seconds(5), kStart);
  timeouts.Arm(second, seconds(5), kStart + seconds(1));
  timeouts.Arm(first, seconds(5), kStart + seconds(2));
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(6)), &second);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(6)), nullptr);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(7)), &first);
}

TEST(Timeouts, ALinkMayChangeItsTimeout) {
  Timeouts timeouts;
  TimeoutLink link;
  timeouts.Arm(link, seconds(5), kStart);
  timeouts.Arm(link, seconds(900), kStart);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(899)), nullptr);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(900)), &link);
}

TEST(Timeouts, ArmedByADeadlineItComesUpBeforeAndNotMuchAfter) {
  Timeouts timeouts;
  TimeoutLink link;
  const TimePoint deadline = kStart + std::chrono::milliseconds(9876);
  timeouts.ArmBy(link, deadline, kStart);
  int early = 0;
  TimePoint now = kStart;
  while (true) {
    ASSERT_TRUE(timeouts.Next());
    now = *timeouts.Next();
    ASSERT_EQ(timeouts.PopExpired(now), &link);
    if (now >= deadline) break;
    ++early;
    timeouts.ArmBy(link, deadline, now);
  }
  EXPECT_LE(now - deadline, std::chrono::milliseconds(1));
  EXPECT_LE(early, 14);
  timeouts.ArmBy(link, kStart, now);  // long past
  EXPECT_LE(*timeouts.Next() - now, std::chrono::milliseconds(1));
}

TEST(Timeouts, ALinkThatIsDestroyedLeavesItsList) {
  Timeouts timeouts;
  TimeoutLink before, after;
  auto gone = std::make_unique<TimeoutLink>();
  timeouts.Arm(before, seconds(5), kStart);
  timeouts.Arm(*gone, seconds(5), kStart);
  timeouts.Arm(after, seconds(5), kStart);
  gone.reset();
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(5)), &before);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(5)), &after);
  EXPECT_EQ(timeouts.PopExpired(kStart + seconds(5)), nullptr);
}

}  // namespace
}  // namespace sstplb::session
