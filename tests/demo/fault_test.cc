// Every fault as a client meets it: how far it gets, how it ends, and that nothing is left behind.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/fault.h"

#include <gtest/gtest.h>

#include "tests/demo/farm_helpers.h"

namespace sstplb::demo {
namespace {

constexpr Duration kShort = std::chrono::milliseconds(300);

struct Case {
  const char* heading;
  Fault fault;
  tunnel::TunnelState reached;
  tunnel::TunnelEnd end;
  const char* detail;  // a part of it
};

const Case kCases[] = {
    {"frozen",
     {FaultKind::kFreeze},
     tunnel::TunnelState::kTls,
     tunnel::TunnelEnd::kTimeout,
     "at tls"},
    {"refuse",
     {FaultKind::kRefuse},
     tunnel::TunnelState::kTcp,
     tunnel::TunnelEnd::kConnectFailed,
     "refused"},
    {"close at accept",
     {FaultKind::kCloseAtAccept},
     tunnel::TunnelState::kTls,
     tunnel::TunnelEnd::kNone,
     ""},
    {"hang at accept",
     {FaultKind::kHangAtAccept},
     tunnel::TunnelState::kTls,
     tunnel::TunnelEnd::kTimeout,
     "at tls"},
    {"hang at TLS",
     {FaultKind::kHangAtTls},
     tunnel::TunnelState::kTls,
     tunnel::TunnelEnd::kTimeout,
     "at tls"},
    {"TLS alert",
     {FaultKind::kTlsAlert},
     tunnel::TunnelState::kTls,
     tunnel::TunnelEnd::kTlsFailed,
     "handshake failure"},
    {"hang at POST",
     {FaultKind::kHangAtPost},
     tunnel::TunnelState::kPost,
     tunnel::TunnelEnd::kTimeout,
     "at post"},
    {"404",
     {FaultKind::kHttpStatus, 404},
     tunnel::TunnelState::kPost,
     tunnel::TunnelEnd::kHttpRefused,
     "404 Not Found"},
    {"501",
     {FaultKind::kHttpStatus, 501},
     tunnel::TunnelState::kPost,
     tunnel::TunnelEnd::kHttpRefused,
     "501"},
    {"503",
     {FaultKind::kHttpStatus, 503},
     tunnel::TunnelState::kPost,
     tunnel::TunnelEnd::kHttpRefused,
     "503"},
    {"close after POST",
     {FaultKind::kCloseAfterPost},
     tunnel::TunnelState::kPost,
     tunnel::TunnelEnd::kClosed,
     ""},
    {"nak",
     {FaultKind::kNak},
     tunnel::TunnelState::kCall,
     tunnel::TunnelEnd::kNak,
     "value_not_supported"},
    {"abort after ack",
     {FaultKind::kAbortAfterAck},
     tunnel::TunnelState::kPpp,
     tunnel::TunnelEnd::kAborted,
     ""},
    {"reset at once",
     {FaultKind::kReset},
     tunnel::TunnelState::kCall,
     tunnel::TunnelEnd::kReset,
     ""},
    {"reset after 150 bytes",
     {FaultKind::kReset, 0, 150},
     tunnel::TunnelState::kPpp,
     tunnel::TunnelEnd::kReset,
     ""},
    {"no echo, no pong",
     {FaultKind::kNoEcho},
     tunnel::TunnelState::kUp,
     tunnel::TunnelEnd::kSilent,
     ""},
};

TEST(Fault, EachIsMetWhereItShouldBe) {
  const auto farm = StartFarm();
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.heading);
    ASSERT_TRUE(farm->SetFault(0, row.fault).ok());
    const auto client = StartClient();
    tunnel::TunnelOptions options = To(*farm);
    options.step_timeout = row.end == tunnel::TunnelEnd::kTimeout ? kShort : kPatience;
    options.silence_timeout = kShort;
    options.echo_interval = kShort / 4;
    options.ping_interval = kShort / 4;
    client->Add(options);
    ASSERT_TRUE(client->Await(0, Ended, kPatience));
    const tunnel::TunnelReport report = client->report(0);
    EXPECT_EQ(ToString(report.reached), ToString(row.reached));
    // Whether a close at accept is seen as an end or as a reset depends on who was faster.
    if (row.end != tunnel::TunnelEnd::kNone) {
      EXPECT_EQ(ToString(report.end), ToString(row.end)) << report.detail;
    }
    EXPECT_NE(report.detail.find(row.detail), std::string::npos) << report.detail;
    ASSERT_TRUE(farm->SetFault(0, {}).ok());
    ASSERT_TRUE(farm->Await(0, Idle, kPatience));
    EXPECT_EQ(farm->counters(0).half_open_left, 0u);
  }
}

TEST(Fault, AnEmptyReasonIsNoFaultToAClient) {
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kEmptyReason}).ok());
  const auto client = StartClient();
  client->Add(To(*farm));
  EXPECT_TRUE(client->Await(0, Up, kPatience));
}

TEST(Fault, SlowIsSlowAtEachStep) {
  constexpr Duration kDelay = std::chrono::milliseconds(60);
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kSlow, 0, 0, kDelay}).ok());
  const auto client = StartClient();
  client->Add(To(*farm));
  ASSERT_TRUE(client->Await(0, Up, kPatience));
  const tunnel::TunnelSteps steps = client->report(0).steps;
  EXPECT_LT(steps.tcp, kDelay);
  EXPECT_GE(steps.tls, kDelay);
  EXPECT_GE(steps.post, kDelay);
  EXPECT_GE(steps.call, kDelay);
  EXPECT_LT(steps.ppp, std::chrono::milliseconds(900)) << "a frame was lost and had to be repeated";
}

TEST(Fault, AFrozenServerGoesOnWhereItStopped) {
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kFreeze}).ok());
  const auto client = StartClient();
  client->Add(To(*farm));
  ASSERT_TRUE(client->Await(
      0, [](const tunnel::TunnelReport& r) { return r.state == tunnel::TunnelState::kTls; },
      kPatience));
  EXPECT_EQ(farm->counters(0).accepted, 0u);
  ASSERT_TRUE(farm->SetFault(0, {}).ok());
  EXPECT_TRUE(client->Await(0, Up, kPatience));
}

TEST(Fault, DropAllEndsTunnelsAsAsked) {
  for (const bool reset : {false, true}) {
    const auto farm = StartFarm();
    const auto client = StartClient();
    for (int i = 0; i < 5; ++i) client->Add(To(*farm));
    ASSERT_TRUE(client->AwaitAll(Up, kPatience));
    // A client sees the last answer of its set-up before the server has read the end of it.
    ASSERT_TRUE(farm->Await(
        0, [](const ServerCounters& c) { return c.tunnels == 5; }, kPatience));
    farm->DropAll(0, reset);
    ASSERT_TRUE(client->AwaitAll(Ended, kPatience));
    for (const tunnel::TunnelReport& report : client->reports()) {
      EXPECT_EQ(ToString(report.end), reset ? "reset" : "disconnected");
    }
    EXPECT_TRUE(farm->Await(0, Idle, kPatience));
  }
}

TEST(Fault, WordsAreReadBack) {
  for (const Case& row : kCases) {
    EXPECT_EQ(FaultKindFromString(ToString(row.fault.kind)), row.fault.kind) << row.heading;
  }
  EXPECT_FALSE(FaultKindFromString("on_fire"));
}

}  // namespace
}  // namespace sstplb::demo
