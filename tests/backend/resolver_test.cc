// Resolver: names of backends, against /etc/hosts and a scripted name server on loopback.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/loop.h"
#include "tests/backend/dns_server.h"

namespace sstplb::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using Kind = DnsServer::Answer::Kind;

constexpr char kName[] = "vpn1.sstplb.test";

struct Report {
  std::string who;
  std::string address;  // "" : none
  std::string error;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : server_(loop_) {
    options_.lookup.servers = server_.address();
    options_.lookup.query_timeout = milliseconds(100);
    options_.lookup.deadline = seconds(5);
    // So short that a test sees the next look-up at once.
    options_.refresh_without_ttl = milliseconds(20);
    options_.refresh_min = milliseconds(20);
    options_.refresh_max = milliseconds(40);
    options_.retry_first = milliseconds(20);
    options_.retry_last = milliseconds(40);
  }

  Resolver& Make() {
    resolver_ = std::make_unique<Resolver>(
        loop_,
        [this](const std::string& pool, const std::string& backend,
               std::optional<SocketAddress> address, const std::string& error) {
          reports_.push_back({pool + "/" + backend, address ? address->ToString() : "", error});
          if (on_report_) on_report_();
        },
        options_);
    return *resolver_;
  }

  // Runs the loop until the condition holds; false when it does not within ten seconds.
  bool RunUntil(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + seconds(10);
    ev::timer tick(loop_.ev());  // so that a loop without events looks at the clock too
    tick.set<ResolverTest, &ResolverTest::OnTick>(this);
    tick.start(0.01, 0.01);
    while (!condition() && Clock::now() < deadline) loop_.ev().run(EVRUN_ONCE);
    return condition();
  }
  bool RunUntilReports(std::size_t count) {
    return RunUntil([&] { return reports_.size() >= count; });
  }
  void OnTick(ev::timer&, int) {}

  Loop loop_;
  DnsServer server_;
  ResolverOptions options_;
  std::vector<Report> reports_;
  std::function<void()> on_report_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, AnAddressNeedsNoLookUp) {
  Resolver& resolver = Make();
  resolver.Set("main", "vpn1", {"192.0.2.1", 443});
  resolver.Set("main", "vpn2", {"2001:db8::2", 4443});
  ASSERT_THAT(reports_, SizeIs(2));
  EXPECT_EQ(reports_[0].who, "main/vpn1");
  EXPECT_EQ(reports_[0].address, "192.0.2.1:443");
  EXPECT_EQ(reports_[1].address, "[2001:db8::2]:4443");
  EXPECT_EQ(server_.questions(), 0);
  resolver.Set("main", "vpn1", {"192.0.2.1", 443});  // nothing new
  EXPECT_THAT(reports_, SizeIs(2));
  resolver.Set("main", "vpn1", {"192.0.2.1", 444});
  ASSERT_THAT(reports_, SizeIs(3));
  EXPECT_EQ(reports_[2].address, "192.0.2.1:444");
}

TEST_F(ResolverTest, TheHostsFileIsAskedFirst) {
  Make().Set("main", "vpn1", {"localhost", 443});
  EXPECT_THAT(reports_, IsEmpty());  // never from within Set()
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_THAT(reports_[0].address, AnyOf(Eq("127.0.0.1:443"), Eq("[::1]:443")));
  EXPECT_EQ(reports_[0].error, "");
  EXPECT_EQ(server_.questions(), 0);
}

TEST_F(ResolverTest, ANameIsAskedFor) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].who, "main/vpn1");
  EXPECT_EQ(reports_[0].address, "192.0.2.1:443");
  EXPECT_EQ(reports_[0].error, "");
}

TEST_F(ResolverTest, ANameMayHaveOnlyAnIpv6Address) {
  server_.Set(kName, {.addresses = {"2001:db8::1"}});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].address, "[2001:db8::1]:443");
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsAnErrorUntilItDoes) {
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].address, "");
  EXPECT_THAT(reports_[0].error,
              StartsWith("cannot resolve vpn1.sstplb.test: Domain name not found"));
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  ASSERT_TRUE(RunUntilReports(2));
  EXPECT_EQ(reports_[1].address, "192.0.2.1:443");
  EXPECT_EQ(reports_[1].error, "");
}

TEST_F(ResolverTest, AServerThatIsSilentIsAnError) {
  server_.Set(kName, {.kind = Kind::kSilence});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].address, "");
  EXPECT_THAT(reports_[0].error, HasSubstr("Timeout"));
  EXPECT_GE(server_.questions(), 2);  // it was tried more than once
}

TEST_F(ResolverTest, TheWholeLookUpHasADeadline) {
  server_.Set(kName, {.kind = Kind::kSilence});
  options_.lookup.query_timeout = seconds(60);
  options_.lookup.deadline = milliseconds(50);
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].error, "cannot resolve vpn1.sstplb.test: no answer in time");
}

TEST_F(ResolverTest, AFailureKeepsTheLastGoodAddress) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  server_.Set(kName, {.kind = Kind::kServerFailure});
  ASSERT_TRUE(RunUntilReports(2));
  EXPECT_EQ(reports_[1].address, "192.0.2.1:443");
  EXPECT_THAT(reports_[1].error, HasSubstr("; staying with 192.0.2.1"));
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  ASSERT_TRUE(RunUntilReports(3));
  EXPECT_EQ(reports_[2].address, "192.0.2.1:443");
  EXPECT_EQ(reports_[2].error, "");
}

TEST_F(ResolverTest, AChangedAddressIsFollowed) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  server_.Set(kName, {.addresses = {"192.0.2.9"}});
  ASSERT_TRUE(RunUntilReports(2));
  EXPECT_EQ(reports_[1].address, "192.0.2.9:443");
}

TEST_F(ResolverTest, AnAnswerThatRotatesDoesNotMoveABackend) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  server_.Set(kName, {.addresses = {"192.0.2.2", "192.0.2.1"}});
  const int before = server_.questions();
  ASSERT_TRUE(RunUntil([&] { return server_.questions() >= before + 6; }));
  EXPECT_THAT(reports_, SizeIs(1));
}

TEST_F(ResolverTest, ATtlIsFollowedWithinBounds) {
  options_.refresh_max = seconds(60);
  server_.Set(kName, {.addresses = {"192.0.2.1"}, .ttl = 1});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  const int first = server_.questions();
  const TimePoint begin = Clock::now();
  ASSERT_TRUE(RunUntil([&] { return server_.questions() > first; }));
  EXPECT_GE(Clock::now() - begin, milliseconds(900));  // not refresh_without_ttl
}

TEST_F(ResolverTest, WhatIsRemovedIsNotReported) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  server_.Set("other.sstplb.test", {.addresses = {"192.0.2.2"}});
  Resolver& resolver = Make();
  resolver.Set("main", "gone", {kName, 443});
  resolver.Set("main", "stays", {"other.sstplb.test", 443});
  resolver.Remove("main", "gone");
  resolver.Remove("main", "never was");
  ASSERT_TRUE(RunUntilReports(1));
  const int before = server_.questions();
  ASSERT_TRUE(RunUntil([&] { return server_.questions() >= before + 4; }));
  for (const Report& report : reports_) EXPECT_EQ(report.who, "main/stays");
}

TEST_F(ResolverTest, ACallbackMayRemoveAndSet) {
  server_.Set(kName, {.addresses = {"192.0.2.1"}});
  Resolver& resolver = Make();
  on_report_ = [&] {
    if (reports_.size() == 1) resolver.Remove("main", "vpn1");
    if (reports_.size() == 1) resolver.Set("main", "vpn1", {kName, 444});
    if (reports_.size() == 2) resolver.Set("main", "vpn1", {"192.0.2.7", 445});
  };
  resolver.Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(3));
  EXPECT_EQ(reports_[1].address, "192.0.2.1:444");
  EXPECT_EQ(reports_[2].address, "192.0.2.7:445");
}

TEST_F(ResolverTest, AServerListThatIsNoneIsAnErrorAndNotACrash) {
  options_.lookup.servers = "not an address";
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntilReports(1));
  EXPECT_EQ(reports_[0].address, "");
  EXPECT_THAT(reports_[0].error, Not(IsEmpty()));
}

TEST_F(ResolverTest, MayGoWhileALookUpIsUnderWay) {
  server_.Set(kName, {.kind = Kind::kSilence});
  Make().Set("main", "vpn1", {kName, 443});
  ASSERT_TRUE(RunUntil([&] { return server_.questions() > 0; }));
  resolver_.reset();
  EXPECT_THAT(reports_, IsEmpty());
}

}  // namespace
}  // namespace sstplb::backend
