// SPDX-License-Identifier: Apache-2.0
#include "probes/budget.h"

#include <gtest/gtest.h>

#include "probes/question.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Budget, SpendsTheBurstThenTheRate) {
  TimePoint now{};
  Budget budget({0.5, 3}, now);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.Take(now));
  EXPECT_FALSE(budget.Take(now));
  EXPECT_EQ(budget.NextAt(now), now + seconds(2));
  EXPECT_FALSE(budget.Take(now + seconds(1)));
  now += seconds(2);
  EXPECT_EQ(budget.NextAt(now), now);
  EXPECT_TRUE(budget.Take(now));
  EXPECT_FALSE(budget.Take(now));
  now += seconds(600);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.Take(now)) << "no more than the burst is saved";
  EXPECT_FALSE(budget.Take(now));
}

// The moment that NextAt() names is never too early, however odd the rate.
TEST(Budget, WhatItPromisesIsThere) {
  TimePoint now{};
  Budget budget({0.3333333, 1}, now);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(budget.Take(now)) << i;
    now = budget.NextAt(now);
  }
  EXPECT_NEAR(Seconds(now - TimePoint{}), 3000, 3);
}

TEST(Budget, AnotherRateKeepsWhatIsLeft) {
  TimePoint now{};
  Budget budget({1, 10}, now);
  EXPECT_TRUE(budget.Take(now));
  budget.SetRate({1, 2}, now);
  EXPECT_TRUE(budget.Take(now));
  EXPECT_TRUE(budget.Take(now));
  EXPECT_FALSE(budget.Take(now));
  budget.SetRate({100, 2}, now);
  EXPECT_FALSE(budget.Take(now)) << "nothing is made up for";
  EXPECT_TRUE(budget.Take(now + milliseconds(10)));
}

ProbeRequest Asking(Duration interval, std::optional<config::Rate> budget = std::nullopt) {
  ProbeRequest request;
  request.settings.interval = interval;
  request.settings.budget = budget;
  return request;
}

TEST(BudgetOf, TwiceWhatTheIntervalsAskForUnlessSet) {
  const ProbeRequest slow = Asking(seconds(5));
  const ProbeRequest quick = Asking(seconds(1));
  const ProbeRequest set = Asking(seconds(1), config::Rate{0.2, 4});
  const ProbeRequest less = Asking(seconds(1), config::Rate{0.1, 20});
  EXPECT_EQ(BudgetOf({&slow}), (config::Rate{0.4, 10}));
  EXPECT_EQ(BudgetOf({&slow, &quick}), (config::Rate{2.4, 10}));
  EXPECT_EQ(BudgetOf({&slow, &set}), (config::Rate{0.2, 4}));
  EXPECT_EQ(BudgetOf({&set, &less}), (config::Rate{0.1, 20})) << "the smallest counts";
  ProbeRequest patient = Asking(seconds(5));
  patient.settings.fall = 20;
  EXPECT_EQ(BudgetOf({&patient}).burst, 44) << "a change must fit in";
}

TEST(SameQuestion, Table) {
  ProbeRequest a;
  a.pool = "main";
  a.backend = "vpn1";
  a.address = SocketAddress{IpAddress::V4({10, 0, 0, 1}), 443};
  a.server_name = "vpn.example.com";
  ProbeRequest b = a;
  b.pool = "other";
  b.backend = "b7";
  b.settings.interval = seconds(60);
  b.settings.fast_interval = seconds(9);
  b.settings.rise = 7;
  b.settings.fall = 9;
  b.settings.certificate_warn = seconds(7);
  b.settings.budget = config::Rate{1, 1};
  EXPECT_TRUE(SameQuestion(a, b)) << "who asks, and how often, is no part of it";
  const std::vector<std::pair<const char*, std::function<void(ProbeRequest&)>>> rows = {
      {"address", [](ProbeRequest& r) { r.address->port = 444; }},
      {"no address", [](ProbeRequest& r) { r.address.reset(); }},
      {"name", [](ProbeRequest& r) { r.server_name = "x.example.com"; }},
      {"proxy", [](ProbeRequest& r) { r.proxy_protocol = config::ProxyProtocol::kV2; }},
      {"source",
       [](ProbeRequest& r) {
         r.source = IpAddress::V4({10, 0, 0, 9});
       }},
      {"kind", [](ProbeRequest& r) { r.settings.kind = config::ProbeKind::kTls; }},
      {"depth", [](ProbeRequest& r) { r.settings.depth = config::ProbeDepth::kCall; }},
      {"server", [](ProbeRequest& r) { r.settings.server = config::ServerKind::kRras; }},
      {"timeout", [](ProbeRequest& r) { r.settings.timeout = seconds(9); }},
      {"path", [](ProbeRequest& r) { r.settings.path = "/x"; }},
      {"verify", [](ProbeRequest& r) { r.settings.verify = config::Verify::kName; }},
  };
  for (const auto& [what, change] : rows) {
    ProbeRequest other = b;
    change(other);
    EXPECT_FALSE(SameQuestion(a, other)) << what;
  }
  a.settings.kind = b.settings.kind = config::ProbeKind::kExec;
  EXPECT_FALSE(SameQuestion(a, b)) << "a command is told which backend it is for";
}

}  // namespace
}  // namespace sstplb::probes
