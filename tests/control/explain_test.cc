// `explain`: the same decision a session would get, with the reason for every step.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lb/backend/registry.h"
#include "lb/control/plan_builder.h"
#include "lb/session/picker.h"

namespace sstplb::control {
namespace {

using ::testing::HasSubstr;

constexpr TimePoint kNow{std::chrono::seconds(1000)};
const IpAddress kSource = *IpAddress::Parse("198.51.100.7");

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() : registry_([](const auto&) {}) {
    for (const char* name : {"main", "lab"}) {
      config::Pool& pool = config_.pools.emplace_back();
      pool.name = name;
      for (int i = 1; i <= 3; ++i) {
        pool.backends.push_back(
            {.name = "vpn" + std::to_string(i), .address = {"10.0.0." + std::to_string(i), 443}});
      }
    }
    config::Listener& listener = config_.listeners.emplace_back();
    listener.name = "vpn";
    listener.pool = "main";
    listener.deny = {*Cidr::Parse("203.0.113.0/24")};
    listener.unknown_sni = config::PoolOrRefuse::kRefuse;
    listener.routes = {{.sni = {"lab.example.com"}, .alpn = {}, .pool = "lab"}};
    registry_.ApplyConfig(config_);
  }
  Explanation Explain(const ExplainRequest& request) {
    const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
    const auto answer = ExplainPlan(
        *plan, request, [](const auto&, const auto&) { return "tls_timeout"; }, kNow);
    EXPECT_TRUE(answer.ok());
    return *answer;
  }

  config::Config config_;
  backend::Registry registry_;
  PlanBuilder builder_;
};

TEST_F(ExplainTest, NamesTheBackendThatASessionWouldGet) {
  const auto explanation = Explain({.source = kSource});
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  const auto& pool = *plan->pools[0];
  const auto picked =
      session::PickCandidates(pool, session::KeyFor(pool, kSource, std::nullopt, kNow));
  EXPECT_EQ(explanation.backend, pool.view.backends[picked[0]].name);
  EXPECT_EQ(explanation.pool, "main");
  EXPECT_EQ(explanation.route, "default pool");
  EXPECT_EQ(explanation.admission, "admitted");
  EXPECT_EQ(explanation.candidates.size(), 3u);
}

TEST_F(ExplainTest, SaysWhyABackendIsPassedOver) {
  const std::string first = Explain({.source = kSource}).backend;
  registry_.SetHealth("main", first, backend::Health::kDown);
  const auto down = Explain({.source = kSource});
  EXPECT_NE(down.backend, first);
  EXPECT_EQ(down.candidates.back().backend, first);
  EXPECT_THAT(down.candidates.back().why, HasSubstr("down (tls_timeout)"));
  ASSERT_TRUE(registry_.SetAdmin("main", down.backend, config::AdminState::kDraining).ok());
  const auto draining = Explain({.source = kSource});
  bool told = false;
  for (const auto& candidate : draining.candidates) {
    if (candidate.backend == down.backend) told = candidate.why == "passed over: draining";
  }
  EXPECT_TRUE(told);
}

TEST_F(ExplainTest, TellsRoutesAndRefusals) {
  EXPECT_EQ(Explain({.source = kSource, .sni = "LAB.example.com:443"}).pool, "lab");
  EXPECT_THAT(Explain({.source = kSource, .sni = "lab.example.com"}).route,
              HasSubstr("lab.example.com"));
  const auto unknown = Explain({.source = kSource, .sni = "x.example.com"});
  EXPECT_EQ(unknown.route, "refused: unknown_sni");
  EXPECT_EQ(unknown.backend, "");
  const auto denied = Explain({.source = *IpAddress::Parse("203.0.113.5")});
  EXPECT_THAT(denied.admission, HasSubstr("denied"));
  EXPECT_EQ(denied.backend, "");
}

TEST_F(ExplainTest, AnUnknownListenerIsNotFound) {
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  const auto answer = ExplainPlan(
      *plan, {.source = kSource, .listener = "nope"}, [](const auto&, const auto&) { return ""; },
      kNow);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, FailureCode::kNotFound);
}

}  // namespace
}  // namespace sstplb::control
