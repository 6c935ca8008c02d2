// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/round_robin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

TEST(RoundRobinTest, TurnsOfOneRound) {
  const struct {
    const char* name;
    std::vector<Member> members;
    std::vector<std::uint16_t> turns;
  } kTable[] = {
      {"nobody", {}, {}},
      {"nobody has a weight", Farm({0, 0}), {}},
      {"one", Farm({100}), {0}},
      {"equal", Farm({100, 100, 100}), {0, 1, 2}},
      {"heavy ones interleaved", Farm({5, 1, 1}), {0, 0, 1, 0, 2, 0, 0}},
      {"in lowest terms", Farm({200, 100}), {0, 1, 0}},
      {"without weight 0", Farm({1, 0, 1}), {0, 2}},
  };
  for (const auto& row : kTable) {
    EXPECT_THAT(RoundRobin(row.members).turns(), ElementsAreArray(row.turns)) << row.name;
  }
}

TEST(RoundRobinTest, ARoundStaysBounded) {
  const RoundRobin policy(Farm({4294967295u, 4294967291u, 1}));
  EXPECT_LE(policy.turns().size(), RoundRobin::kMaxTurns + 3);
  std::vector<std::size_t> count(3, 0);
  for (const std::uint16_t index : policy.turns()) ++count[index];
  EXPECT_NEAR(static_cast<double>(count[0]) / static_cast<double>(count[1]), 1.0, 0.001);
  EXPECT_EQ(count[2], 1u);
}

TEST(RoundRobinTest, TakesTurnsWhoeverComes) {
  const RoundRobin policy(EqualFarm(3));
  const FakeLoads loads(3);
  std::vector<std::size_t> first;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto picked = PickFor(policy, Client(1), loads);
    EXPECT_EQ(picked.size(), 3u);
    EXPECT_EQ(picked.why(), "turn");
    first.push_back(picked[0]);
  }
  EXPECT_THAT(first, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(RoundRobinTest, APeekUsesNoTurnUp) {
  const RoundRobin policy(EqualFarm(3));
  FakeLoads loads(3);
  loads.usable[1] = false;  // whose turn a pick would use up as well
  for (int i = 0; i < 6; ++i) {
    const auto peeked = PeekFor(policy, Client(1), loads);
    EXPECT_THAT(PeekFor(policy, Client(2), loads), ElementsAreArray(peeked));
    EXPECT_EQ(peeked.why(), "turn");
    EXPECT_THAT(PickFor(policy, Client(3), loads), ElementsAreArray(peeked));
  }
}

TEST(RoundRobinTest, AllOthersGainByOneThatIsDown) {
  const RoundRobin policy(EqualFarm(4));
  FakeLoads loads(4);
  loads.usable[1] = false;
  std::vector<int> first(4, 0);
  for (std::uint32_t i = 0; i < 300; ++i) ++first[PickFor(policy, Client(i), loads)[0]];
  EXPECT_THAT(first, ElementsAre(100, 0, 100, 100));
}

TEST(RoundRobinTest, FindsTheLightOneWhenAllElseIsDown) {
  const RoundRobin policy(Farm({10000, 1}));
  FakeLoads loads(2);
  loads.usable[0] = false;
  EXPECT_THAT(PickFor(policy, Client(1), loads), ElementsAre(1));
  loads.usable[1] = false;
  EXPECT_TRUE(PickFor(policy, Client(1), loads).empty());
}

TEST(RoundRobinTest, WorkersShareTheTurns) {
  constexpr int kWorkers = 4;
  constexpr int kPicks = 3000;
  const RoundRobin policy(Farm({200, 100, 100}));
  std::vector<std::vector<std::uint32_t>> counts(kWorkers, std::vector<std::uint32_t>(3, 0));
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&policy, &mine = counts[static_cast<std::size_t>(w)]] {
      const FakeLoads loads(3);
      for (std::uint32_t i = 0; i < kPicks; ++i) ++mine[PickFor(policy, Client(i), loads)[0]];
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::vector<std::uint32_t> sum(3, 0);
  for (const auto& count : counts) {
    for (std::size_t i = 0; i < 3; ++i) sum[i] += count[i];
  }
  EXPECT_THAT(sum, ElementsAre(6000, 3000, 3000));
}

}  // namespace
}  // namespace sstplb::balance
