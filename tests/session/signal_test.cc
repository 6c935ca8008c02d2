// What the course of a session says of its backend.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/signal.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace sstplb::session {
namespace {

using namespace std::chrono_literals;

struct Case {
  const char* what;
  Course course;
  CloseReason reason;
  std::optional<Signal> signal;
};

constexpr std::uint64_t kHello = 517;
constexpr std::uint64_t kFlight = 5000;

TEST(Signal, AnEndSaysWhatTheBackendIsLike) {
  const Case cases[] = {
      {"full",
       {10ms, kHello, 0, TlsStage::kHandshake},
       CloseReason::kBackendEof,
       Signal::kClosedAtOnce},
      {"full, by reset",
       {10ms, kHello, 0, TlsStage::kHandshake},
       CloseReason::kBackendReset,
       Signal::kClosedAtOnce},
      {"full, no TLS",
       {10ms, 20, 0, TlsStage::kUnseen},
       CloseReason::kBackendEof,
       Signal::kClosedAtOnce},
      {"said nothing, then closed",
       {20s, kHello, 0, TlsStage::kHandshake},
       CloseReason::kBackendEof,
       Signal::kSilent},
      {"said nothing until the client left",
       {20s, kHello, 0, TlsStage::kHandshake},
       CloseReason::kClientEof,
       Signal::kSilent},
      {"the client did not wait",
       {1s, kHello, 0, TlsStage::kHandshake},
       CloseReason::kClientReset,
       std::nullopt},
      {"the host is gone",
       {90s, kHello, 0, TlsStage::kHandshake},
       CloseReason::kBackendTimeout,
       Signal::kSilent},
      {"said nothing for the whole handshake_timeout",
       {10s, kHello, 0, TlsStage::kHandshake},
       CloseReason::kHandshakeTimeout,
       Signal::kSilent},
      {"a client that dribbles",
       {10s, kHello, kFlight, TlsStage::kHandshake},
       CloseReason::kHandshakeTimeout,
       std::nullopt},
      {"alert by the server",
       {20ms, kHello, 7, TlsStage::kAlertServer},
       CloseReason::kBackendEof,
       Signal::kAlertServer},
      {"alert by the client",
       {20ms, kHello, kFlight, TlsStage::kAlertClient},
       CloseReason::kClientEof,
       Signal::kAlertClient},
      {"broken by the server",
       {20ms, kHello, kFlight, TlsStage::kHandshake},
       CloseReason::kBackendReset,
       Signal::kHandshakeBroken},
      {"a client that only looked",
       {20ms, kHello, kFlight, TlsStage::kHandshake},
       CloseReason::kClientEof,
       std::nullopt},
      {"authentication failed",
       {2s, 3000, 7000, TlsStage::kDone},
       CloseReason::kClientEof,
       Signal::kDiedEarly},
      {"crypto binding failed",
       {2s, 3000, 7000, TlsStage::kDone},
       CloseReason::kBackendEof,
       Signal::kDiedEarly},
      {"authentication failed, the least that it takes",
       {2s, kHello + 64 + kShortestRequest, 7000, TlsStage::kDone, kHello + 64},
       CloseReason::kClientEof,
       Signal::kDiedEarly},
      {"a scanner: TLS, and away",
       {20ms, kHello + 80, 1275, TlsStage::kDone, kHello + 80},
       CloseReason::kClientEof,
       std::nullopt},
      {"a monitor of certificates, which takes leave",
       {20ms, kHello + 80 + 24, 1275, TlsStage::kDone, kHello + 80},
       CloseReason::kClientReset,
       std::nullopt},
      {"TLS, then nothing, until the server had enough",
       {20s, kHello + 80, 1275, TlsStage::kDone, kHello + 80},
       CloseReason::kBackendEof,
       std::nullopt},
      {"closed by the server as soon as TLS was through",
       {20ms, kHello + 80, 1275, TlsStage::kDone, kHello + 80},
       CloseReason::kBackendEof,
       Signal::kDiedEarly},
      {"no TLS, few bytes",
       {2s, 20, 30, TlsStage::kUnseen},
       CloseReason::kClientEof,
       Signal::kDiedEarly},
      {"brief, but carried something",
       {2s, 3000, 40000, TlsStage::kDone},
       CloseReason::kClientEof,
       Signal::kOk},
      {"carried little, but lived",
       {60s, 3000, 7000, TlsStage::kDone},
       CloseReason::kClientEof,
       Signal::kOk},
      {"lived, and its host died",
       {60s, 3000, 7000, TlsStage::kDone},
       CloseReason::kBackendTimeout,
       Signal::kOk},
  };
  for (const Case& c : cases) EXPECT_EQ(SignalOfEnd(c.course, c.reason), c.signal) << c.what;
}

TEST(Signal, WhatWeCloseSaysNothing) {
  for (const CloseReason reason : {CloseReason::kOperator, CloseReason::kDrained,
                                   CloseReason::kBackendDown, CloseReason::kShutdown}) {
    for (const TlsStage stage : {TlsStage::kUnseen, TlsStage::kHandshake, TlsStage::kDone}) {
      EXPECT_EQ(SignalOfEnd({20s, kHello, 0, stage}, reason), std::nullopt);
      EXPECT_EQ(SignalOfEnd({20s, kHello, kFlight, stage}, reason), std::nullopt);
    }
  }
}

TEST(Signal, ALivingTunnelIsGoodOnceItIsSure) {
  EXPECT_EQ(SignalOfLiving({59s, 3000, 7000, TlsStage::kDone}), std::nullopt);
  EXPECT_EQ(SignalOfLiving({60s, 3000, 7000, TlsStage::kDone}), Signal::kOk);
  EXPECT_EQ(SignalOfLiving({1s, 16384, 16384, TlsStage::kDone}), Signal::kOk);
  EXPECT_EQ(SignalOfLiving({70s, kHello, kFlight, TlsStage::kHandshake}), std::nullopt);
  EXPECT_EQ(SignalOfLiving({70s, 40000, 0, TlsStage::kUnseen}), std::nullopt);
}

TEST(Signal, ASourceIsAnAddressOrA64) {
  const auto hash = [](const char* ip) { return SourceHash(*IpAddress::Parse(ip)); };
  EXPECT_NE(hash("192.0.2.1"), hash("192.0.2.2"));
  EXPECT_EQ(hash("2001:db8::1"), hash("2001:db8::2"));
  EXPECT_NE(hash("2001:db8::1"), hash("2001:db8:0:1::1"));
}

TEST(Signal, ANetworkIsA24OrA48) {
  const auto hash = [](const char* ip) { return NetworkHash(*IpAddress::Parse(ip)); };
  EXPECT_EQ(hash("192.0.2.1"), hash("192.0.2.255"));
  EXPECT_NE(hash("192.0.2.1"), hash("192.0.3.1"));
  EXPECT_EQ(hash("2001:db8::1"), hash("2001:db8:0:ffff::1"));
  EXPECT_NE(hash("2001:db8::1"), hash("2001:db8:1::1"));
  EXPECT_NE(hash("192.0.2.0"), SourceHash(*IpAddress::Parse("2001:db8::1")));
}

TEST(Signal, TheManualHasThemAll) {
  std::ifstream in(SSTPLB_TEST_VECTORS "/../../docs/sensing.md");
  const std::string manual{std::istreambuf_iterator<char>(in), {}};
  for (const SignalInfo& info : kSignals) {
    const std::string row =
        "| `" + std::string(info.word) + "` | " + std::string(info.sentence) + " |";
    EXPECT_NE(manual.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace sstplb::session
