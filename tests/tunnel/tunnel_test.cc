// The client by itself: its words, its manners, and what a farm says about them.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tunnel.h"

#include <gtest/gtest.h>

#include "tests/demo/farm_helpers.h"

namespace sstplb::tunnel {
namespace {

using demo::Ended;
using demo::FaultKind;
using demo::Idle;
using demo::kPatience;
using demo::QuickServer;
using demo::ServerOptions;
using demo::StartClient;
using demo::StartFarm;
using demo::To;
using demo::Up;

TEST(Tunnel, StopAtAnyStepLeavesNothingBehind) {
  const auto farm = StartFarm();
  const FaultKind faults[] = {FaultKind::kHangAtTls, FaultKind::kHangAtPost, FaultKind::kNone};
  for (const FaultKind kind : faults) {
    SCOPED_TRACE(ToString(kind));
    ASSERT_TRUE(farm->SetFault(0, {kind}).ok());
    const auto client = StartClient();
    client->Add(To(*farm));
    const TunnelState reached = kind == FaultKind::kHangAtTls    ? TunnelState::kTls
                                : kind == FaultKind::kHangAtPost ? TunnelState::kPost
                                                                 : TunnelState::kUp;
    ASSERT_TRUE(client->Await(
        0, [&](const TunnelReport& r) { return r.state == reached; }, kPatience));
    client->Stop(0);
    ASSERT_TRUE(client->Await(0, Ended, kPatience));
    EXPECT_EQ(client->report(0).end, TunnelEnd::kStopped);
    EXPECT_TRUE(farm->Await(0, Idle, kPatience));
  }
  EXPECT_EQ(farm->counters(0).half_open_left, 0u);
}

TEST(Tunnel, StopDuringTheWaitForTheNextAttempt) {
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kRefuse}).ok());
  const auto client = StartClient();
  TunnelOptions options = To(*farm);
  options.reconnect = true;
  options.backoff_min = options.backoff_max = std::chrono::minutes(5);
  client->Add(options);
  ASSERT_TRUE(client->Await(
      0, [](const TunnelReport& r) { return r.state == TunnelState::kWaiting; }, kPatience));
  EXPECT_EQ(client->report(0).end, TunnelEnd::kConnectFailed);
  client->Stop(0);
  EXPECT_TRUE(client->Await(0, Ended, kPatience));
}

TEST(Tunnel, StopsEvenWhenTheServerKeepsTheConnection) {
  ServerOptions server = QuickServer();
  server.personality.close_delay = std::chrono::minutes(5);
  const auto farm = StartFarm(server);
  const auto client = StartClient();
  TunnelOptions options = To(*farm);
  options.disconnect_timeout = std::chrono::milliseconds(50);
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Up, kPatience));
  client->Stop(0);
  EXPECT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_TRUE(farm->Await(0, Idle, kPatience));
}

TEST(Tunnel, AServerWithoutEchoIsKeptAliveByPings) {
  ServerOptions server = QuickServer();
  server.personality = demo::PersonalityOf(demo::Kind::kSoftether);
  const auto farm = StartFarm(server);
  const auto client = StartClient();
  TunnelOptions options = To(*farm);
  options.echo_interval = std::chrono::milliseconds(20);
  options.ping_interval = std::chrono::milliseconds(20);
  options.silence_timeout = std::chrono::seconds(5);
  client->Add(options);
  ASSERT_TRUE(client->Await(
      0, [](const TunnelReport& r) { return r.echoes_sent >= 5 && r.pings_answered >= 5; },
      kPatience));
  EXPECT_TRUE(Up(client->report(0)));
  EXPECT_EQ(client->report(0).echoes_answered, 0u);
}

TEST(Tunnel, EndsAreCountedOnceWhenAClientJustGoesAway) {
  const auto farm = StartFarm();
  {
    const auto client = StartClient();
    for (int i = 0; i < 10; ++i) client->Add(To(*farm));
    ASSERT_TRUE(client->AwaitAll(Up, kPatience));
  }
  ASSERT_TRUE(farm->Await(0, Idle, kPatience));
  EXPECT_EQ(farm->counters(0).accepted, 10u);
}

TEST(Tunnel, GoesAsDeepAsItIsToldAndLeavesNothingBehind) {
  const auto farm = StartFarm();
  struct Case {
    TunnelDepth depth;
    std::uint64_t posts, calls, connected;  // what the server saw of it
  };
  const Case cases[] = {{TunnelDepth::kTls, 0, 0, 0},
                        {TunnelDepth::kPost, 1, 0, 0},
                        {TunnelDepth::kCall, 1, 1, 0},
                        {TunnelDepth::kPpp, 1, 1, 1}};
  demo::ServerCounters before;
  for (const Case& row : cases) {
    SCOPED_TRACE(ToString(row.depth));
    const auto client = StartClient();
    TunnelOptions options = To(*farm);
    options.depth = row.depth;
    options.silence_timeout = std::chrono::milliseconds(1);  // counts for PPP alone
    if (row.depth == TunnelDepth::kPpp) options.silence_timeout = kPatience;
    client->Add(options);
    ASSERT_TRUE(client->Await(0, Up, kPatience));
    if (row.depth == TunnelDepth::kPpp) {
      ASSERT_TRUE(farm->Await(
          0, [](const demo::ServerCounters& c) { return c.tunnels == 1; }, kPatience));
    }
    client->Stop(0);
    ASSERT_TRUE(client->Await(0, Ended, kPatience));
    EXPECT_EQ(client->report(0).end, TunnelEnd::kStopped);
    ASSERT_TRUE(farm->Await(0, Idle, kPatience));
    const demo::ServerCounters after = farm->counters(0);
    EXPECT_EQ(after.tls_done - before.tls_done, 1u);
    EXPECT_EQ(after.posts - before.posts, row.posts);
    EXPECT_EQ(after.calls - before.calls, row.calls);
    EXPECT_EQ(after.connected - before.connected, row.connected);
    EXPECT_EQ(after.disconnects - before.disconnects, row.calls);
    EXPECT_EQ(after.half_open_left, 0u);
    before = after;
  }
}

// On a loop of the test's own: payload is sent from the loop's thread.
class PayloadTest : public ::testing::Test, protected TunnelObserver {
 protected:
  TunnelReport Run(const TunnelOptions& options) {
    const auto context = MakeClientContext();
    TunnelObserver* observer = this;
    Tunnel tunnel(loop_, *context, options, observer);
    tunnel_ = &tunnel;
    tunnel.Start();
    ev::timer patience(loop_.ev());
    patience.set<PayloadTest, &PayloadTest::OnTooLate>(this);
    patience.start(EvSeconds(kPatience));
    loop_.Run();
    return tunnel.report();
  }
  void OnTunnelChanged(const TunnelReport& report) override {
    if (report.state == TunnelState::kEnded) loop_.Stop();
    if (report.state != TunnelState::kUp) return;
    for (std::size_t i = 1; i <= 10; ++i) sent_ += tunnel_->SendPayload(i * 100) ? 1 : 0;
    if (!HasPongs()) tunnel_->Stop();
  }
  void OnPong(Duration round_trip) override {
    EXPECT_GT(round_trip.count(), 0);
    EXPECT_LT(round_trip, kPatience);
    if (++pongs_ == 10) tunnel_->Stop();
  }
  void OnTooLate(ev::timer&, int) {
    ADD_FAILURE() << "no end in time";
    loop_.Stop();
  }
  bool HasPongs() const { return pongs_expected_; }

  Loop loop_;
  Tunnel* tunnel_ = nullptr;
  bool pongs_expected_ = false;
  int sent_ = 0;
  int pongs_ = 0;
};

TEST_F(PayloadTest, PingsOfAnySizeComeBackAndAreTimed) {
  const auto farm = StartFarm();
  pongs_expected_ = true;
  const TunnelReport report = Run(To(*farm));
  EXPECT_EQ(sent_, 10);
  EXPECT_EQ(pongs_, 10);
  EXPECT_EQ(report.pings_answered, 10u);
  constexpr std::uint64_t kPayload = 10 * 11 / 2 * 100;
  EXPECT_GT(report.bytes_sent, kPayload);
  EXPECT_GT(report.bytes_received, kPayload);
  EXPECT_TRUE(farm->Await(
      0, [](const demo::ServerCounters& c) { return c.pings == 10; }, kPatience));
}

TEST_F(PayloadTest, ACallWithoutPppCarriesWhatThePeerDrops) {
  ServerOptions server = QuickServer();
  server.personality.speaks_lcp_first = false;
  const auto farm = StartFarm(server);
  TunnelOptions options = To(*farm);
  options.depth = TunnelDepth::kCall;
  const TunnelReport report = Run(options);
  EXPECT_EQ(sent_, 10);
  EXPECT_EQ(report.end, TunnelEnd::kStopped);
  EXPECT_EQ(report.pings_sent, 0u);
  EXPECT_GT(report.bytes_sent, 5500u);
  EXPECT_TRUE(farm->Await(0, Idle, kPatience));
}

TEST_F(PayloadTest, NothingIsSentBelowACall) {
  const auto farm = StartFarm();
  TunnelOptions options = To(*farm);
  options.depth = TunnelDepth::kPost;
  const TunnelReport report = Run(options);
  EXPECT_EQ(sent_, 0);
  EXPECT_EQ(report.bytes_sent, 0u);
}

TEST(Tunnel, ASourceThatIsNotThisHostsIsALocalError) {
  const auto farm = StartFarm();
  const auto client = StartClient();
  TunnelOptions options = To(*farm);
  options.source = IpAddress::V4({192, 0, 2, 1});
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(ToString(client->report(0).end), "local_error");
}

TEST(Tunnel, NoListenerAtAll) {
  SocketAddress nobody;
  {
    const auto farm = StartFarm();
    nobody = farm->address(0);
  }
  const auto client = StartClient();
  TunnelOptions options;
  options.server = nobody;
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(client->report(0).end, TunnelEnd::kConnectFailed);
}

}  // namespace
}  // namespace sstplb::tunnel
