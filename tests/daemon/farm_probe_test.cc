// A farm is probed once, in bounded time, a few at a time: against demo servers.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/farm_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lb/daemon/farm_judge.h"
#include "lb/demo/farm.h"

namespace sstplb::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;

class FarmProbeTest : public ::testing::Test {
 protected:
  void Start(std::vector<demo::ServerOptions> servers) {
    auto farm = demo::Farm::Start(std::move(servers));
    ASSERT_TRUE(farm.ok());
    farm_ = std::move(*farm);
    AddPool("main");
  }
  config::Pool& AddPool(const std::string& name) {
    config::Pool& pool = config_.pools.emplace_back();
    pool.name = name;
    for (std::size_t i = 0; i < farm_->size(); ++i) {
      pool.backends.push_back(
          {.name = "s" + std::to_string(i), .address = {"127.0.0.1", farm_->address(i).port}});
    }
    return pool;
  }
  FarmAnswers Ask(const FarmProbeLimits& limits = {}) { return ProbeFarm(loop_, config_, limits); }

  static std::string Outcome(const FarmAnswer& answer) {
    return answer.report ? std::string(probes::ToString(answer.report->outcome)) : "none";
  }
  static std::multiset<std::string> Found(const config::Config& config,
                                          const FarmAnswers& answers) {
    std::multiset<std::string> names;
    for (const auto& finding : JudgeFarm(config, answers, WallClock::now())) {
      names.insert(finding.name + " " + finding.key);
    }
    return names;
  }

  Loop loop_;
  std::unique_ptr<demo::Farm> farm_;
  config::Config config_;
};

TEST_F(FarmProbeTest, EveryBackendAnswersWithItsCertificate) {
  std::vector<demo::ServerOptions> servers(3);
  servers[1].names = {.names = {"other.test"}, .days = 3};
  servers[2].names = {.names = {"vpn.sstp.test"}, .days = -1};
  Start(servers);
  config::Listener& listener = config_.listeners.emplace_back();
  listener.routes = {{.sni = {"vpn.sstp.test"}, .alpn = {}, .pool = "main"}};
  const FarmAnswers answers = Ask();
  ASSERT_EQ(answers.size(), 3U);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(Outcome(answers[i]), "ok") << i;
    EXPECT_EQ(answers[i].backend, "s" + std::to_string(i));
    ASSERT_TRUE(answers[i].report && answers[i].report->tls) << i;
    ASSERT_TRUE(answers[i].report->tls->certificate) << i;
    EXPECT_EQ(answers[i].report->tls->certificate->sha256, farm_->certificate(i).Fingerprint());
  }
  EXPECT_EQ(
      Found(config_, answers),
      (std::multiset<std::string>{
          "certificate_expires pool.main.backend.s1", "certificate_names pool.main.backend.s1",
          "certificate_expired pool.main.backend.s2", "certificates_differ pool.main"}));
}

TEST_F(FarmProbeTest, PoolsThatAskAlikeShareAProbe) {
  Start(std::vector<demo::ServerOptions>(2));
  AddPool("lab");
  AddPool("bare").probe.kind = config::ProbeKind::kNone;
  const FarmAnswers answers = Ask();
  ASSERT_EQ(answers.size(), 6U);
  for (const FarmAnswer& answer : answers) EXPECT_EQ(Outcome(answer), "ok") << answer.pool;
  for (std::size_t i = 0; i < farm_->size(); ++i) {
    EXPECT_EQ(farm_->counters(i).posts, 1U) << i;
    EXPECT_EQ(farm_->counters(i).accepted, 2U) << "one of them is the pool's without a probe";
  }
}

TEST_F(FarmProbeTest, WhoDoesNotAnswerIsTold) {
  Start(std::vector<demo::ServerOptions>(3));
  ASSERT_TRUE(farm_->SetFault(0, {.kind = demo::FaultKind::kRefuse}).ok());
  ASSERT_TRUE(farm_->SetFault(1, {.kind = demo::FaultKind::kHttpStatus, .http_status = 503}).ok());
  config_.pools[0].backends.push_back({.name = "named", .address = {"nowhere.invalid", 443}});
  const FarmAnswers answers = Ask({.within = seconds(20)});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(Outcome(answers[0]), "connect_refused");
  EXPECT_EQ(Outcome(answers[1]), "http_status");
  EXPECT_EQ(Outcome(answers[2]), "ok");
  EXPECT_FALSE(answers[3].lookup_error.empty());
  const auto found = Found(config_, answers);
  EXPECT_THAT(found, Contains("backend_unfit pool.main.backend.s0"));
  EXPECT_THAT(found, Contains("backend_unfit pool.main.backend.s1"));
  EXPECT_THAT(found, Contains("backend_unfit pool.main.backend.named"));
}

TEST_F(FarmProbeTest, OneAtATimeStillAsksEveryone) {
  Start(std::vector<demo::ServerOptions>(5));
  const FarmAnswers answers = Ask({.within = seconds(30), .parallel = 1});
  for (const FarmAnswer& answer : answers) EXPECT_EQ(Outcome(answer), "ok") << answer.backend;
}

TEST_F(FarmProbeTest, TheTimeIsBounded) {
  Start(std::vector<demo::ServerOptions>(2));
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(farm_->SetFault(i, {.kind = demo::FaultKind::kHangAtTls}).ok());
  }
  config_.pools[0].probe.timeout = seconds(60);
  const TimePoint begin = Clock::now();
  const FarmAnswers answers = Ask({.within = milliseconds(300), .parallel = 1});
  EXPECT_LT(Clock::now() - begin, seconds(20));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(Found(config_, answers),
            (std::multiset<std::string>{"backend_not_asked pool.main.backend.s0",
                                        "backend_not_asked pool.main.backend.s1"}));
}

TEST_F(FarmProbeTest, WhoAnsweredInTimeIsKnown) {
  Start(std::vector<demo::ServerOptions>(2));
  ASSERT_TRUE(farm_->SetFault(1, {.kind = demo::FaultKind::kHangAtTls}).ok());
  config_.pools[0].probe.timeout = seconds(60);
  const FarmAnswers answers = Ask({.within = seconds(2)});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(Outcome(answers[0]), "ok");
  EXPECT_EQ(Outcome(answers[1]), "none");
}

TEST_F(FarmProbeTest, AFarmWithoutBackendsIsDoneAtOnce) {
  config_.pools.emplace_back().name = "main";
  EXPECT_TRUE(Ask().empty());
}

}  // namespace
}  // namespace sstplb::daemon
