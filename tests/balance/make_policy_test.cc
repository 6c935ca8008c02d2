// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/make_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using config::Balance;

TEST(MakePolicyTest, GivesWhatWasAskedFor) {
  const struct {
    Balance balance;
    double max_load;
    const char* name;
    const char* why;
  } kTable[] = {
      {Balance::kConsistentHash, 0, "consistent-hash", "hash"},
      {Balance::kConsistentHash, 1.25, "consistent-hash", "hash"},
      {Balance::kSourceIp, 1.25, "source-ip", "least_sessions"},
      {Balance::kLeastSessions, 1.25, "least-sessions", "least_sessions"},
      {Balance::kRoundRobin, 1.25, "round-robin", "turn"},
  };
  for (const auto& row : kTable) {
    const auto policy = MakePolicy(row.balance, EqualFarm(3), row.max_load);
    EXPECT_EQ(policy->name(), row.name);
    EXPECT_THAT(policy->members(), testing::ElementsAreArray(EqualFarm(3))) << row.name;
    const auto picked = PickFor(*policy, Client(1), FakeLoads(3));
    EXPECT_EQ(picked.size(), 3u) << row.name;
    EXPECT_EQ(picked.why(), row.why) << row.name;
  }
}

TEST(MakePolicyTest, ALimitGivesTheFirstOfTheSameOrder) {
  const struct {
    Balance balance;
    double max_load;
  } kTable[] = {{Balance::kConsistentHash, 0},
                {Balance::kConsistentHash, 1.25},
                {Balance::kSourceIp, 0},
                {Balance::kLeastSessions, 0},
                {Balance::kRoundRobin, 0}};
  FakeLoads loads(12);
  loads.usable[5] = false;
  loads.active[2] = 50;  // over the bound
  for (const auto& row : kTable) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      for (const std::size_t limit : {1, 2, 4, 16, 100}) {
        // Fresh ones: round-robin moves on with each pick.
        const auto whole =
            PickFor(*MakePolicy(row.balance, EqualFarm(12), row.max_load), Client(i), loads);
        Candidates some(limit);
        MakePolicy(row.balance, EqualFarm(12), row.max_load)->Pick(Client(i), loads, some);
        ASSERT_EQ(some.size(), std::min<std::size_t>(limit, 11)) << static_cast<int>(row.balance);
        ASSERT_TRUE(std::equal(some.begin(), some.end(), whole.begin()));
        ASSERT_EQ(some.why(), whole.why());
      }
      if (row.balance == Balance::kConsistentHash && i == 9) break;  // a table each time
    }
  }
}

TEST(MakePolicyTest, TheBoundIsThereWhenAskedFor) {
  FakeLoads loads(3);
  const auto unbounded = MakePolicy(Balance::kConsistentHash, EqualFarm(3), 0);
  const std::size_t first = PickFor(*unbounded, Client(1), loads)[0];
  loads.active[first] = 1000;
  EXPECT_EQ(PickFor(*unbounded, Client(1), loads)[0], first);
  const auto bounded = MakePolicy(Balance::kConsistentHash, EqualFarm(3), 1.25);
  EXPECT_EQ(PickFor(*bounded, Client(1), loads)[2], first);
}

TEST(MakePolicyTest, SourceIpUsesTheTable) {
  const auto table = std::make_shared<StickTable>(std::chrono::hours(1));
  const auto policy = MakePolicy(Balance::kSourceIp, EqualFarm(3), 0, table);
  table->Remember(Client(1).source, "vpn2", Client(1).now);
  const auto picked = PickFor(*policy, Client(1), FakeLoads(3));
  EXPECT_EQ(picked[0], 1u);
  EXPECT_EQ(picked.why(), "remembered");
}

}  // namespace
}  // namespace sstplb::balance
