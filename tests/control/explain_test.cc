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

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
    const auto answer = ExplainPlan(*plan, request, circumstances_);
    EXPECT_TRUE(answer.ok());
    return *answer;
  }

  config::Config config_;
  backend::Registry registry_;
  PlanBuilder builder_;
  Circumstances circumstances_{.outcome_of = [](const auto&, const auto&) { return "tls_timeout"; },
                               .now = kNow};
};

std::string WhyOf(const Explanation& explanation, const std::string& backend) {
  for (const auto& candidate : explanation.candidates) {
    if (candidate.backend == backend) return candidate.why;
  }
  return "not there";
}

TEST_F(ExplainTest, NamesTheBackendThatASessionWouldGet) {
  const auto explanation = Explain({.source = kSource});
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  const auto& pool = *plan->pools[0];
  const auto picked =
      session::PickCandidates(pool, session::KeyFor(pool, kSource, std::nullopt, kNow));
  EXPECT_EQ(explanation.backend, pool.view.backends[picked[0]].name);
  EXPECT_EQ(explanation.pool, "main");
  EXPECT_THAT(explanation.route, StartsWith("default pool (no route takes a hello without a name"));
  EXPECT_EQ(explanation.admission, "admitted");
  EXPECT_EQ(explanation.candidates.size(), 3u);
  EXPECT_EQ(explanation.refused, "");
  EXPECT_FALSE(explanation.waits);
}

TEST_F(ExplainTest, SaysWhyABackendIsPassedOver) {
  const std::string first = Explain({.source = kSource}).backend;
  registry_.SetHealth("main", first, backend::Health::kDown);
  const auto down = Explain({.source = kSource});
  EXPECT_NE(down.backend, first);
  // It stands where the hash has it: ahead of the one that is chosen.
  EXPECT_EQ(down.candidates.front().backend, first);
  EXPECT_EQ(down.candidates.front().why, "passed over: down (tls_timeout)");
  EXPECT_FALSE(down.candidates.front().chosen);
  EXPECT_EQ(down.candidates[1].backend, down.backend);
  EXPECT_THAT(down.candidates[1].why, StartsWith("hash_next"));
  ASSERT_TRUE(registry_.SetAdmin("main", down.backend, config::AdminState::kDraining).ok());
  EXPECT_EQ(WhyOf(Explain({.source = kSource}), down.backend), "passed over: draining");
}

TEST_F(ExplainTest, TellsWhoIsAboveItsShare) {
  const std::string first = Explain({.source = kSource}).backend;
  registry_.snapshot()->Find("main")->Find(first)->load->active = 30;
  const auto told = Explain({.source = kSource});
  EXPECT_NE(told.backend, first);
  // 1.25 x (30 + 1) / 3
  EXPECT_EQ(told.candidates.front().backend, first);
  EXPECT_EQ(told.candidates.front().why,
            "after those below max_load: 30 sessions, max_load allows 13");
  EXPECT_THAT(WhyOf(told, told.backend), StartsWith("max_load"));
}

TEST_F(ExplainTest, AskingChangesNothing) {
  config_.pools[0].balance = config::Balance::kRoundRobin;
  registry_.ApplyConfig(config_);
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  const session::PoolPlan& pool = *plan->pools[0];
  for (int session = 0; session < 6; ++session) {
    const std::string told = Explain({.source = kSource}).backend;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(Explain({.source = kSource}).backend, told);
    const auto picked =
        session::PickCandidates(pool, session::KeyFor(pool, kSource, std::nullopt, kNow));
    EXPECT_EQ(pool.view.backends[picked[0]].name, told);
  }
}

TEST_F(ExplainTest, TellsWhatIsRemembered) {
  config_.pools[0].balance = config::Balance::kSourceIp;
  registry_.ApplyConfig(config_);
  EXPECT_EQ(Explain({.source = kSource}).key, "source 198.51.100.7, not remembered");
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  plan->pools[0]->sticks->Remember(kSource, "vpn2", kNow);
  const auto told = Explain({.source = kSource});
  EXPECT_EQ(told.key, "source 198.51.100.7, remembered at vpn2");
  EXPECT_EQ(told.backend, "vpn2");
  EXPECT_THAT(WhyOf(told, "vpn2"), StartsWith("remembered"));
  registry_.SetHealth("main", "vpn2", backend::Health::kDown);
  const auto down = Explain({.source = kSource});
  EXPECT_NE(down.backend, "vpn2");
  EXPECT_EQ(WhyOf(down, "vpn2"), "passed over: down (tls_timeout); remembered here");
  plan->pools[0]->sticks->Remember(kSource, "vpn9", kNow);
  EXPECT_THAT(Explain({.source = kSource}).key, HasSubstr("vpn9, which is not here any more"));
}

TEST_F(ExplainTest, TellsWhichRuleAdmitsOrRefuses) {
  const auto admission = [&] { return Explain({.source = kSource}).admission; };
  config::Listener& listener = config_.listeners[0];
  EXPECT_EQ(admission(), "admitted");
  listener.allow = {*Cidr::Parse("10.0.0.0/8"), *Cidr::Parse("198.51.100.0/24")};
  EXPECT_EQ(admission(), "admitted (198.51.100.0/24 in allow)");
  listener.deny = {*Cidr::Parse("198.51.100.7")};
  EXPECT_THAT(admission(),
              AllOf(StartsWith("refused: denied (198.51.100.7"), HasSubstr("in deny")));
  listener.deny.clear();
  listener.allow = {*Cidr::Parse("10.0.0.0/8")};
  EXPECT_EQ(admission(), "refused: denied (not in allow)");
  listener.allow.clear();
  listener.accept_proxy = {*Cidr::Parse("198.51.100.0/24")};
  EXPECT_THAT(admission(), StartsWith("admitted; from 198.51.100.0/24 (accept_proxy)"));
  listener.accept_proxy.clear();
  circumstances_.sessions = circumstances_.max_sessions = 5;
  const auto full = Explain({.source = kSource});
  EXPECT_EQ(full.admission, "refused: max_sessions (5 of 5 sessions)");
  EXPECT_EQ(full.backend, "");
  EXPECT_EQ(full.refused, "max_sessions");
  for (const auto& candidate : full.candidates) EXPECT_FALSE(candidate.chosen);
  circumstances_.sessions = 4;
  EXPECT_EQ(admission(), "admitted");
  listener.session_rate = config::Rate{.per_second = 20, .burst = 1};
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  EXPECT_EQ(plan->listeners[0]->limiter->Enter(kSource, kNow), session::Admission::kAdmitted);
  EXPECT_THAT(admission(), StartsWith("refused: listener_rate (session_rate = "));
  listener.session_rate.reset();
  listener.max_sessions_per_source = 1;
  const auto capped = builder_.Build(config_, *registry_.snapshot(), false);
  EXPECT_EQ(capped->listeners[0]->limiter->Enter(kSource, kNow), session::Admission::kAdmitted);
  EXPECT_EQ(admission(), "refused: source_sessions (max_sessions_per_source = 1)");
  listener.max_sessions_per_source = 0;
  listener.session_rate_per_source = config::Rate{.per_second = 20, .burst = 1};
  const auto paced = builder_.Build(config_, *registry_.snapshot(), false);
  EXPECT_EQ(paced->listeners[0]->limiter->Enter(kSource, kNow), session::Admission::kAdmitted);
  EXPECT_THAT(admission(), StartsWith("refused: source_rate (session_rate_per_source = "));
  circumstances_.drained = true;
  EXPECT_EQ(admission(), "refused: stopping (the balancer is drained)");
}

TEST_F(ExplainTest, TellsRoutesAndRefusals) {
  EXPECT_EQ(Explain({.source = kSource, .sni = "LAB.example.com:443"}).pool, "lab");
  EXPECT_THAT(Explain({.source = kSource, .sni = "lab.example.com"}).route,
              HasSubstr("lab.example.com"));
  const auto unknown = Explain({.source = kSource, .sni = "x.example.com"});
  EXPECT_EQ(unknown.route, "refused: unknown_sni");
  EXPECT_EQ(unknown.backend, "");
  EXPECT_EQ(unknown.refused, "unknown_sni");
  config_.listeners[0].unknown_sni = config::PoolOrRefuse::kPool;
  config_.listeners[0].routes[0].alpn = {"h2"};
  EXPECT_THAT(Explain({.source = kSource, .sni = "lab.example.com"}).route,
              StartsWith("default pool (no route takes this name"));
  EXPECT_EQ(Explain({.source = kSource, .sni = "lab.example.com", .alpn = {"h2"}}).route,
            "route 1 (lab.example.com; alpn h2)");
  const auto denied = Explain({.source = *IpAddress::Parse("203.0.113.5")});
  EXPECT_THAT(denied.admission, HasSubstr("denied"));
  EXPECT_EQ(denied.backend, "");
  EXPECT_EQ(denied.refused, "denied");
}

TEST_F(ExplainTest, AnUnknownListenerIsNotFound) {
  const auto plan = builder_.Build(config_, *registry_.snapshot(), false);
  const auto answer = ExplainPlan(*plan, {.source = kSource, .listener = "nope"}, circumstances_);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, FailureCode::kNotFound);
}

}  // namespace
}  // namespace sstplb::control
