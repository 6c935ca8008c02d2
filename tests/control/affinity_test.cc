// Affinity: from a running process into a file and back.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::control {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const WallTime kNow = WallTime() + hours(500000);

IpAddress Nth(std::uint8_t n) { return IpAddress::V4({192, 0, 2, n}); }

backend::Snapshot Farm() {
  backend::Snapshot snapshot;
  snapshot.pools = {{.name = "main", .backends = {{.name = "vpn1"}, {.name = "vpn2"}}}};
  return snapshot;
}

TEST(Affinity, ComesBackWithTheTimeThatIsLeft) {
  const std::vector<PoolSticks> sticks = {{"main",
                                           {{Nth(1), "vpn2", 3, hours(8)},  // lives
                                            {Nth(2), "vpn1", 0, hours(2)}}},
                                          {"idle", {}}};
  const auto kept = ToAffinity(sticks, kNow);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(
      kept[0],
      (backend::PoolAffinity{
          "main", {"vpn2", "vpn1"}, {{Nth(1), 0, kNow + hours(8)}, {Nth(2), 1, kNow + hours(2)}}}));
  const auto back = ToSticks(kept, Farm(), kNow + hours(1));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].pool, "main");
  EXPECT_THAT(back[0].entries, ElementsAre(balance::StickEntry{Nth(1), "vpn2", 0, hours(7)},
                                           balance::StickEntry{Nth(2), "vpn1", 0, hours(1)}))
      << "a session does not outlive the process: nobody would count it down";
}

TEST(Affinity, WhatIsUnknownOrOverIsIgnored) {
  const std::vector<backend::PoolAffinity> kept = {
      {"gone", {"vpn1"}, {{Nth(1), 0, kNow + hours(1)}}},
      {"main",
       {"vpn9", "vpn1"},
       {{Nth(2), 0, kNow + hours(1)}, {Nth(3), 1, kNow}, {Nth(4), 1, kNow + seconds(1)}}}};
  const auto back = ToSticks(kept, Farm(), kNow);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_THAT(back[0].entries, ElementsAre(balance::StickEntry{Nth(4), "vpn1", 0, seconds(1)}));
}

TEST(Affinity, AClockThatWasSetBackDoesNoHarm) {
  const std::vector<backend::PoolAffinity> kept = {
      {"main", {"vpn1"}, {{Nth(1), 0, WallTime(seconds(9223372036))}}}};
  const auto back = ToSticks(kept, Farm(), WallTime());
  ASSERT_EQ(back.at(0).entries.size(), 1u);
  EXPECT_EQ(back[0].entries[0].left, hours(24 * 366)) << "and the table cuts it to its own time";
}

TEST(Affinity, TheFirstToBeForgottenAreLeftOutOfTooMany) {
  std::vector<PoolSticks> sticks = {{"main", {}}, {"other", {}}};
  for (std::uint8_t n = 0; n < 10; ++n) {
    sticks[n % 2].entries.push_back({Nth(n), "vpn1", 0, hours(n / 2)});  // two of each
  }
  const auto kept = ToAffinity(sticks, kNow, 5);
  std::vector<WallTime> times;
  for (const auto& pool : kept) {
    for (const auto& client : pool.clients) times.push_back(client.until);
  }
  EXPECT_THAT(times,
              testing::UnorderedElementsAre(kNow + hours(4), kNow + hours(4), kNow + hours(3),
                                            kNow + hours(3), kNow + hours(2)));
  EXPECT_THAT(ToAffinity({}, kNow), IsEmpty());
}

}  // namespace
}  // namespace sstplb::control
