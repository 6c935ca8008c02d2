// The judgement over a farm's answers: each finding for its cause, and alone.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/farm_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lb/config/finding_list.h"

namespace sstplb::daemon {
namespace {

using std::chrono::hours;
using testing::ElementsAreArray;
using testing::HasSubstr;

const WallTime kNow{std::chrono::seconds(1'700'000'000)};

config::Config TheConfig() {
  config::Config config;
  config::Pool& pool = config.pools.emplace_back();
  pool.name = "main";
  config::Listener& listener = config.listeners.emplace_back();
  listener.name = "vpn";
  listener.pool = "main";
  listener.routes = {{.sni = {"vpn.example.com"}, .alpn = {}, .pool = "main"}};
  for (const char* name : {"vpn1", "vpn2"}) {
    pool.backends.push_back({.name = name, .address = {"10.0.0.11", 443}});
  }
  return config;
}

// Two backends with nothing to be said about.
FarmAnswers GoodAnswers() {
  FarmAnswers answers;
  const config::Config config = TheConfig();
  for (const config::Backend& backend : config.pools[0].backends) {
    FarmAnswer& answer = answers.emplace_back();
    answer.pool = "main";
    answer.backend = backend.name;
    answer.target = backend.address;
    answer.address = backend.address.AsAddress();
    probes::ProbeReport& report = answer.report.emplace();
    report.outcome = probes::Outcome::kOk;
    report.server_kind = "rras";
    report.took = std::chrono::milliseconds(12);
    probes::CertificateFacts& facts = report.tls.emplace().certificate.emplace();
    report.tls->version = "TLSv1.3";
    facts.sha256 = "3f2a5c0188";
    facts.common_name = "vpn.example.com";
    facts.names = {"vpn.example.com"};
    facts.not_before = kNow - hours(24);
    facts.not_after = kNow + hours(24 * 58 + 1);
  }
  return answers;
}

std::vector<std::string> Names(const config::Findings& findings) {
  std::vector<std::string> names;
  for (const config::Finding& finding : findings) {
    names.push_back(finding.name);
    const config::FindingInfo* info = config::FindFindingInfo(finding.name);
    EXPECT_NE(info, nullptr) << finding.name;
    if (info == nullptr) continue;
    const bool learned = finding.name == "proxy_protocol_unreadable";
    EXPECT_EQ(info->source == config::FindingSource::kOnline, !learned) << finding.name;
    EXPECT_EQ(finding.severity, config::Severity::kWarning);
    EXPECT_FALSE(finding.reason.empty() || finding.remedy.empty()) << finding.name;
  }
  return names;
}

TEST(FarmJudge, EachFindingForItsCause) {
  struct Case {
    std::function<void(FarmAnswer&)> change;
    std::vector<std::string> names;
  };
  const auto facts = [](FarmAnswer& a) -> probes::CertificateFacts& {
    return *a.report->tls->certificate;
  };
  const std::vector<Case> cases = {
      {[](FarmAnswer&) {}, {}},
      {[](FarmAnswer& a) { a.report.reset(); }, {"backend_not_asked"}},
      {[](FarmAnswer& a) {
         a.report.reset();
         a.lookup_error = "Domain name not found";
       },
       {"backend_unfit"}},
      {[](FarmAnswer& a) {
         a.report->outcome = probes::Outcome::kConnectTimeout;
         a.report->tls.reset();
       },
       {"backend_unfit"}},
      // A refusal after the handshake still showed its certificate.
      {[&](FarmAnswer& a) {
         a.report->outcome = probes::Outcome::kHttpStatus;
         facts(a).not_after = kNow + hours(24);
       },
       {"backend_unfit", "certificate_expires"}},
      {[&](FarmAnswer& a) { facts(a).not_after = kNow + hours(24 * 21 - 1); },
       {"certificate_expires"}},
      {[&](FarmAnswer& a) { facts(a).not_after = kNow + hours(24 * 21); }, {}},
      {[&](FarmAnswer& a) { facts(a).not_after = kNow - hours(1); }, {"certificate_expired"}},
      {[&](FarmAnswer& a) { facts(a).not_before = kNow + hours(1); },
       {"certificate_not_yet_valid"}},
      {[&](FarmAnswer& a) { facts(a).names = {"other.example.com"}; }, {"certificate_names"}},
      {[&](FarmAnswer& a) { facts(a).names = {"*.example.com"}; }, {}},
      {[](FarmAnswer& a) {
         a.report->tls->ocsp = {"revoked", {}};
       },
       {"certificate_revoked"}},
      {[&](FarmAnswer& a) { facts(a).sha256 = "88be1d3f00"; }, {"certificates_differ"}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    FarmAnswers answers = GoodAnswers();
    cases[i].change(answers[1]);
    EXPECT_THAT(Names(JudgeFarm(TheConfig(), answers, kNow)), ElementsAreArray(cases[i].names))
        << "case " << i;
  }
}

TEST(FarmJudge, AFindingSaysHowItEndedAndWhatToDo) {
  FarmAnswers answers = GoodAnswers();
  answers[0].report->outcome = probes::Outcome::kConnectRefused;
  answers[0].report->detail = "Connection refused";
  answers[0].report->tls.reset();
  EXPECT_EQ(JudgeFarm(TheConfig(), answers, kNow).at(0).ToString(),
            "warning: pool.main.backend.vpn1: [backend_unfit] its probe ends in connect_refused "
            "(nothing listens on that port: is the server running, and on this port?), Connection "
            "refused. Look at every step with sstplb probe 10.0.0.11:443.");
  answers[0].report->hint = "Do this.";
  EXPECT_EQ(JudgeFarm(TheConfig(), answers, kNow).at(0).remedy, "Do this");
}

TEST(FarmJudge, AnotherKindThanConfigured) {
  config::Config config = TheConfig();
  config.pools[0].probe.server = config::ServerKind::kAccelPpp;
  const config::Findings findings = JudgeFarm(config, GoodAnswers(), kNow);
  EXPECT_THAT(Names(findings), testing::ElementsAre("server_kind_differs", "server_kind_differs"));
  EXPECT_EQ(findings[0].key, "pool.main.backend.vpn1");
  config.pools[0].probe.server = config::ServerKind::kRras;
  EXPECT_THAT(Names(JudgeFarm(config, GoodAnswers(), kNow)), testing::IsEmpty());
}

TEST(FarmJudge, AHeaderThatTheLearnedKindCannotRead) {
  struct Case {
    const char* kind;
    config::ProxyProtocol sessions;
    config::ProxyProtocol probe;
    std::vector<std::string> names;
  };
  using config::ProxyProtocol;
  const std::vector<std::string> unreadable = {"proxy_protocol_unreadable"};
  const std::vector<Case> cases = {
      {"rras", ProxyProtocol::kV2, ProxyProtocol::kNone, unreadable},
      {"softether", ProxyProtocol::kV1, ProxyProtocol::kNone, unreadable},
      {"rras-or-softether", ProxyProtocol::kV2, ProxyProtocol::kNone, unreadable},
      {"sstp-server", ProxyProtocol::kV2, ProxyProtocol::kNone, unreadable},
      {"accel-ppp", ProxyProtocol::kV2, ProxyProtocol::kNone, {}},
      {"", ProxyProtocol::kV2, ProxyProtocol::kNone, {}},
      {"rras", ProxyProtocol::kNone, ProxyProtocol::kNone, {}},
      // It has just read one, or what stands before it has.
      {"rras", ProxyProtocol::kV2, ProxyProtocol::kV2, {}},
  };
  for (const Case& c : cases) {
    config::Config config = TheConfig();
    config.pools[0].proxy_protocol = c.sessions;
    FarmAnswers answers = GoodAnswers();
    answers.pop_back();
    answers[0].report->server_kind = c.kind;
    answers[0].request.emplace().proxy_protocol = c.probe;
    EXPECT_THAT(Names(JudgeFarm(config, answers, kNow)), ElementsAreArray(c.names)) << c.kind;
  }
  // The file alone tells it of a kind that is configured.
  config::Config config = TheConfig();
  config.pools[0].proxy_protocol = ProxyProtocol::kV2;
  FarmAnswers answers = GoodAnswers();
  answers[0].request.emplace();
  EXPECT_EQ(JudgeFarm(config, answers, kNow).at(0).key, "pool.main.backend.vpn1");
  config.pools[0].probe.server = config::ServerKind::kRras;
  EXPECT_THAT(Names(JudgeFarm(config, answers, kNow)), testing::IsEmpty());
}

TEST(FarmJudge, AnAnswerIsOneLine) {
  FarmAnswers answers = GoodAnswers();
  EXPECT_EQ(AnswerLine(answers[0], kNow),
            "pool.main.backend.vpn1 10.0.0.11:443: ok in 12ms; rras; TLSv1.3; certificate of "
            "vpn.example.com, 58 days left; names vpn.example.com");
  answers[0].report->tls->certificate->not_after = kNow - hours(49);
  EXPECT_THAT(AnswerLine(answers[0], kNow), HasSubstr(", expired 2 days ago; "));
  answers[0].report.reset();
  EXPECT_THAT(AnswerLine(answers[0], kNow), HasSubstr("no answer yet when the time was up"));
  answers[0].lookup_error = "Domain name not found";
  EXPECT_THAT(AnswerLine(answers[0], kNow), HasSubstr("no address: Domain name not found"));
}

}  // namespace
}  // namespace sstplb::daemon
