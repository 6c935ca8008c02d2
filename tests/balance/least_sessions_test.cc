// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/least_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using testing::ElementsAreArray;

TEST(LeastSessionsTest, OrdersByLoadForWeight) {
  const struct {
    const char* name;
    std::vector<std::uint32_t> weights;
    std::vector<std::uint32_t> active;
    std::vector<std::uint16_t> order;
  } kTable[] = {
      {"by sessions", {100, 100, 100}, {3, 1, 2}, {1, 2, 0}},
      {"by sessions for weight", {100, 200, 400}, {9, 15, 25}, {2, 1, 0}},
      {"the heaviest first when empty", {1, 3, 2}, {0, 0, 0}, {1, 2, 0}},
      {"weight 0 never", {100, 0, 100}, {5, 0, 4}, {2, 0}},
      {"large numbers", {4294967295u, 1}, {4294967295u, 1}, {0, 1}},
  };
  for (const auto& row : kTable) {
    std::vector<Member> members;
    for (const std::uint32_t weight : row.weights) {
      members.push_back({std::to_string(members.size()), weight});
    }
    FakeLoads loads(members.size());
    loads.active = row.active;
    const LeastSessions policy(members);
    EXPECT_THAT(PickFor(policy, Client(1), loads), ElementsAreArray(row.order)) << row.name;
  }
}

TEST(LeastSessionsTest, TheKeyDecidesAmongEquals) {
  const LeastSessions policy(EqualFarm(4));
  const FakeLoads loads(4);
  std::vector<int> first(4, 0);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const auto picked = PickFor(policy, Client(i), loads);
    ASSERT_THAT(PickFor(policy, Client(i), loads), ElementsAreArray(picked)) << "stable";
    ++first[picked[0]];
  }
  for (const int count : first) EXPECT_NEAR(count, 2500, 200);
}

TEST(LeastSessionsTest, LevelsAFarm) {
  const LeastSessions policy(Farm({100, 50, 50}));
  FakeLoads loads(3);
  for (std::uint32_t i = 0; i < 400; ++i) ++loads.active[PickFor(policy, Client(1), loads)[0]];
  EXPECT_THAT(loads.active, testing::ElementsAre(200, 100, 100));
}

TEST(LeastSessionsTest, KeepsTheBestOfMany) {
  const LeastSessions policy(EqualFarm(100));
  FakeLoads loads(100);
  for (std::size_t i = 0; i < 100; ++i) {
    loads.active[i] = static_cast<std::uint32_t>((i * 37 + 11) % 100);
  }
  loads.usable[(89u * 73u) % 100] = false;
  std::vector<std::uint16_t> expected;
  for (std::uint16_t i = 0; i < 100; ++i) {
    if (loads.usable[i]) expected.push_back(i);
  }
  std::sort(expected.begin(), expected.end(),
            [&](std::uint16_t a, std::uint16_t b) { return loads.active[a] < loads.active[b]; });
  expected.resize(Candidates::kCapacity);
  EXPECT_THAT(PickFor(policy, Client(1), loads), ElementsAreArray(expected));
}

TEST(LeastSessionsTest, Nobody) {
  EXPECT_TRUE(PickFor(LeastSessions({}), Client(1), FakeLoads(0)).empty());
}

}  // namespace
}  // namespace sstplb::balance
