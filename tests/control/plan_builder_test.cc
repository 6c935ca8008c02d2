// Plans: what is made anew for a change, and what is kept.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/plan_builder.h"

#include <gtest/gtest.h>

#include "lb/backend/registry.h"

namespace sstplb::control {
namespace {

class PlanBuilderTest : public ::testing::Test {
 protected:
  PlanBuilderTest() : registry_([](const auto&) {}) {
    config::Pool& pool = config_.pools.emplace_back();
    pool.name = "main";
    for (int i = 1; i <= 3; ++i) {
      pool.backends.push_back(
          {.name = "vpn" + std::to_string(i), .address = {"10.0.0." + std::to_string(i), 443}});
    }
    config::Listener& listener = config_.listeners.emplace_back();
    listener.name = "vpn";
    listener.pool = "main";
    listener.max_sessions_per_source = 2;
  }
  std::shared_ptr<const session::Plan> Build() {
    registry_.ApplyConfig(config_);
    return builder_.Build(config_, *registry_.snapshot(), false);
  }

  config::Config config_;
  backend::Registry registry_;
  PlanBuilder builder_;
};

TEST_F(PlanBuilderTest, HealthKeepsTheHashTable) {
  const auto before = Build();
  registry_.SetHealth("main", "vpn1", backend::Health::kDown);
  const auto after = builder_.Build(config_, *registry_.snapshot(), false);
  EXPECT_EQ(after->pools[0]->policy, before->pools[0]->policy);
  EXPECT_FALSE(after->pools[0]->view.Find("vpn1")->Ready());
  EXPECT_GT(after->generation, before->generation);
}

TEST_F(PlanBuilderTest, WeightsAndMembersMakeANewTable) {
  const auto before = Build();
  ASSERT_TRUE(registry_.SetWeight("main", "vpn1", 50).ok());
  const auto after = builder_.Build(config_, *registry_.snapshot(), false);
  EXPECT_NE(after->pools[0]->policy, before->pools[0]->policy);
}

TEST_F(PlanBuilderTest, ALimiterStaysWhileItsLimitsDo) {
  const auto before = Build();
  config_.listeners[0].idle_timeout = std::chrono::minutes(1);
  const auto idle = Build();
  EXPECT_EQ(idle->listeners[0]->limiter, before->listeners[0]->limiter)
      << "who is counted in must still count";
  config_.listeners[0].max_sessions_per_source = 3;
  const auto other = Build();
  EXPECT_NE(other->listeners[0]->limiter, before->listeners[0]->limiter);

  // Who is counted in by the one counts for the other.
  const IpAddress client = IpAddress::V4({192, 0, 2, 1});
  session::Limiter& one = *before->listeners[0]->limiter;
  session::Limiter& two = *other->listeners[0]->limiter;
  const TimePoint now = Clock::now();
  EXPECT_EQ(one.Enter(client, now), session::Admission::kAdmitted);
  EXPECT_EQ(one.Enter(client, now), session::Admission::kAdmitted);
  EXPECT_EQ(two.Enter(client, now), session::Admission::kAdmitted);
  EXPECT_EQ(two.Enter(client, now), session::Admission::kSourceSessions);
  one.Leave(client);
  EXPECT_EQ(two.Enter(client, now), session::Admission::kAdmitted);
}

TEST_F(PlanBuilderTest, WhoWasSentWhereIsRememberedOverReloads) {
  config_.pools[0].balance = config::Balance::kSourceIp;
  Build();
  const auto sticks = builder_.Sticks("main");
  ASSERT_NE(sticks, nullptr);
  config_.pools[0].source_ip_ttl = std::chrono::hours(1);
  ASSERT_TRUE(registry_.SetWeight("main", "vpn1", 50).ok());
  Build();
  EXPECT_EQ(builder_.Sticks("main"), sticks);
  EXPECT_EQ(sticks->ttl(), std::chrono::hours(1));
  config_.pools[0].balance = config::Balance::kRoundRobin;
  Build();
  EXPECT_EQ(builder_.Sticks("main"), nullptr);
}

TEST_F(PlanBuilderTest, WhatIsRememberedGoesToAnotherProcess) {
  const TimePoint now = Clock::now();
  config_.pools[0].balance = config::Balance::kSourceIp;
  Build();
  const IpAddress client = IpAddress::V4({192, 0, 2, 1});
  builder_.Sticks("main")->Remember(client, "vpn3", now);
  auto told = builder_.ExportSticks(now);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].pool, "main");
  told.push_back({"gone", told[0].entries});

  PlanBuilder other;
  (void)other.Build(config_, *registry_.snapshot(), false);
  other.RestoreSticks(told, now);
  EXPECT_EQ(other.Sticks("main")->Lookup(client, now), "vpn3");
  EXPECT_EQ(other.ExportSticks(now).size(), 1u);
}

TEST_F(PlanBuilderTest, WhatLeavesTheConfigurationLeavesThePlan) {
  Build();
  config_.listeners.clear();
  config_.pools.clear();
  const auto plan = Build();
  EXPECT_TRUE(plan->listeners.empty());
  EXPECT_EQ(plan->FindPool("main"), nullptr);
}

}  // namespace
}  // namespace sstplb::control
