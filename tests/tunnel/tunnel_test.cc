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
