// EventRing: bounded, in order, and nobody waits for ever.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/event_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace sstplb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

void Add(EventRing& ring, const std::string& what) {
  const LogField fields[] = {{"n", what}};
  ring.Add(WallTime(seconds(7)), LogLevel::kWarning, what, fields);
}

std::vector<std::string> Whats(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const Event& event : events) out.push_back(event.what);
  return out;
}

TEST(EventRing, KeepsWhatItWasGiven) {
  EventRing ring(10);
  Add(ring, "a");
  const auto events = ring.Since(0, 10);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].sequence, 1u);
  EXPECT_EQ(events[0].time, WallTime(seconds(7)));
  EXPECT_EQ(events[0].level, LogLevel::kWarning);
  ASSERT_EQ(events[0].fields.size(), 1u);
  EXPECT_EQ(events[0].fields[0].key, "n");
  EXPECT_EQ(events[0].fields[0].value, "a");
}

TEST(EventRing, SinceGivesTheNewestInOrder) {
  EventRing ring(3);
  EXPECT_THAT(ring.Since(0, 10), IsEmpty());
  for (const char* what : {"a", "b", "c", "d", "e"}) Add(ring, what);
  EXPECT_THAT(Whats(ring.Since(0, 10)), ElementsAre("c", "d", "e"));  // the bound
  EXPECT_THAT(Whats(ring.Since(0, 2)), ElementsAre("d", "e"));
  EXPECT_THAT(Whats(ring.Since(4, 10)), ElementsAre("e"));
  EXPECT_THAT(ring.Since(5, 10), IsEmpty());
  EXPECT_THAT(ring.Since(99, 10), IsEmpty());
  EXPECT_THAT(ring.Since(0, 0), IsEmpty());
  EXPECT_EQ(ring.Since(0, 10).back().sequence, 5u);  // numbers are never reused
}

TEST(EventRing, WaitReturnsAtOnceWhenThereIsSomething) {
  EventRing ring(3);
  Add(ring, "a");
  EXPECT_THAT(Whats(ring.WaitSince(0, 10, seconds(60))), ElementsAre("a"));
}

TEST(EventRing, WaitIsWokenByAnEvent) {
  EventRing ring(3);
  auto waiter = std::async(std::launch::async, [&] { return ring.WaitSince(0, 10, seconds(60)); });
  Add(ring, "a");
  EXPECT_THAT(Whats(waiter.get()), ElementsAre("a"));
}

TEST(EventRing, WaitEndsWhenTheTimeIsUp) {
  EventRing ring(3);
  Add(ring, "a");
  const TimePoint begin = Clock::now();
  EXPECT_THAT(ring.WaitSince(1, 10, milliseconds(20)), IsEmpty());
  EXPECT_GE(Clock::now() - begin, milliseconds(20));
}

TEST(EventRing, CloseLetsEveryWaiterGo) {
  EventRing ring(3);
  const auto wait = [&] { return ring.WaitSince(0, 10, seconds(60)).size(); };
  auto first = std::async(std::launch::async, wait);
  auto second = std::async(std::launch::async, wait);
  ring.Close();
  EXPECT_EQ(first.get(), 0u);
  EXPECT_EQ(second.get(), 0u);
  EXPECT_THAT(ring.WaitSince(0, 10, seconds(60)), IsEmpty());
}

TEST(EventRing, ManyWritersLoseNothing) {
  constexpr int kEach = 200;
  EventRing ring(4 * kEach);
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) Add(ring, "x");
    });
  }
  std::uint64_t seen = 0;
  while (seen < 4 * kEach) {
    const auto events = ring.WaitSince(seen, 4 * kEach, seconds(60));
    ASSERT_FALSE(events.empty());
    for (const Event& event : events) EXPECT_EQ(event.sequence, ++seen);
  }
  for (std::thread& writer : writers) writer.join();
}

}  // namespace
}  // namespace sstplb
