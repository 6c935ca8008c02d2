// Every fault of the demo farm, and what each kind of probe makes of it.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/farm.h"

#include "lb/config/words.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using demo::FaultKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<demo::Farm> StartFarm(demo::ServerOptions options) {
  Result<std::unique_ptr<demo::Farm>> farm = demo::Farm::Start({std::move(options)});
  EXPECT_TRUE(farm.ok());
  return std::move(*farm);
}

void Ask(const demo::Farm& farm, config::ProbeKind kind, config::ProbeDepth depth,
         std::string_view outcome) {
  ProbeRequest request = RequestFor(kind, farm.address(0));
  request.settings.depth = depth;
  // Short only where it is waited for: a busy machine must not change the answer.
  request.settings.timeout = seconds(8);
  if (outcome == "tls_timeout") request.settings.timeout = milliseconds(600);
  if (outcome == "http_timeout") request.settings.timeout = seconds(3);  // TLS comes before
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), outcome)
      << config::ToWord(kind) << " " << config::ToWord(depth) << ": " << report.detail;
}

TEST(Farm, FaultMatrix) {
  demo::ServerOptions options;
  options.personality = demo::PersonalityOf(demo::Kind::kSoftether);
  const auto farm = StartFarm(options);
  struct Row {
    FaultKind fault;
    const char* tcp;
    const char* tls;
    const char* post;
    const char* call;
  };
  // What only the deeper probe sees is the reason to have it.
  const Row rows[] = {
      {FaultKind::kNone, "ok", "ok", "ok", "ok"},
      {FaultKind::kRefuse, "connect_refused", "connect_refused", "connect_refused",
       "connect_refused"},
      {FaultKind::kFreeze, "ok", "tls_timeout", "tls_timeout", "tls_timeout"},
      {FaultKind::kCloseAtAccept, "closed_at_once", "closed_at_once", "closed_at_once",
       "closed_at_once"},
      {FaultKind::kHangAtAccept, "ok", "tls_timeout", "tls_timeout", "tls_timeout"},
      {FaultKind::kHangAtTls, "ok", "tls_timeout", "tls_timeout", "tls_timeout"},
      {FaultKind::kTlsAlert, "ok", "tls_alert", "tls_alert", "tls_alert"},
      {FaultKind::kHangAtPost, "ok", "ok", "http_timeout", "http_timeout"},
      {FaultKind::kHttpStatus, "ok", "ok", "http_status", "http_status"},
      {FaultKind::kEmptyReason, "ok", "ok", "ok", "ok"},
      {FaultKind::kCloseAfterPost, "ok", "ok", "http_closed", "http_closed"},
      {FaultKind::kNak, "ok", "ok", "ok", "call_nak"},
      {FaultKind::kAbortAfterAck, "ok", "ok", "ok", "server_full"},
      {FaultKind::kReset, "ok", "ok", "ok", "call_closed"},
  };
  using config::ProbeDepth;
  using config::ProbeKind;
  for (const Row& row : rows) {
    SCOPED_TRACE(demo::ToString(row.fault));
    ASSERT_TRUE(farm->SetFault(0, {.kind = row.fault}).ok());
    Ask(*farm, ProbeKind::kTcp, ProbeDepth::kPost, row.tcp);
    Ask(*farm, ProbeKind::kTls, ProbeDepth::kPost, row.tls);
    Ask(*farm, ProbeKind::kSstp, ProbeDepth::kPost, row.post);
    Ask(*farm, ProbeKind::kSstp, ProbeDepth::kCall, row.call);
  }
}

// A call that is dropped costs sstp-server an address for ever; a probe's never is.
TEST(Farm, AProbeThatEndsAtAnyMomentCostsNoAddress) {
  demo::ServerOptions options;
  options.personality = demo::PersonalityOf(demo::Kind::kSstpServer);
  options.personality.close_delay = milliseconds(200);
  options.leak_window = seconds(30);
  const auto farm = StartFarm(options);
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, farm->address(0));
  request.settings.depth = config::ProbeDepth::kCall;
  EXPECT_EQ(Word(RunProbe(request)), "ok");
  for (const int after : {1, 5, 10, 20, 50, 100, 200, 300}) {
    RunProbe(request, milliseconds(after), [](Probe& probe) { probe.Cancel(); });
    request.settings.timeout = milliseconds(after);
    RunProbe(request);
    request.settings.timeout = seconds(3);
  }
  EXPECT_TRUE(farm->Await(
      0, [](const demo::ServerCounters& c) { return c.open == 0; }, seconds(5)));
  const demo::ServerCounters counters = farm->counters(0);
  EXPECT_GE(counters.calls, 1u);
  EXPECT_EQ(counters.half_open_left, 0u);
  EXPECT_EQ(counters.addresses_leaked, 0u);
  EXPECT_EQ(counters.addresses_in_use, 0u);
}

TEST(Farm, LearnsEveryKindOfServer) {
  struct Row {
    demo::Kind kind;
    const char* post;
    const char* call;
  };
  const Row rows[] = {
      {demo::Kind::kRras, "rras", "rras"},
      {demo::Kind::kSoftether, "softether", "softether"},
      {demo::Kind::kAccelPpp, "accel-ppp", "accel-ppp"},
      {demo::Kind::kSstpServer, "sstp-server", "sstp-server"},
      {demo::Kind::kMikrotik, "mikrotik", "mikrotik"},
  };
  for (const Row& row : rows) {
    demo::ServerOptions options;
    options.personality = demo::PersonalityOf(row.kind);
    const auto farm = StartFarm(options);
    ProbeRequest request = RequestFor(config::ProbeKind::kSstp, farm->address(0));
    EXPECT_EQ(RunProbe(request).server_kind, row.post);
    request.settings.depth = config::ProbeDepth::kCall;
    const ProbeReport report = RunProbe(request);
    EXPECT_EQ(Word(report), "ok");
    EXPECT_EQ(report.server_kind, row.call) << "closed after " << Seconds(report.steps.back().took);
  }
}

TEST(Farm, BehindAProxyHeader) {
  demo::ServerOptions options;
  options.proxy_header = true;
  const auto farm = StartFarm(options);
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, farm->address(0));
  for (const auto proxy : {config::ProxyProtocol::kV1, config::ProxyProtocol::kV2}) {
    request.proxy_protocol = proxy;
    EXPECT_EQ(Word(RunProbe(request)), "ok");
  }
  EXPECT_EQ(farm->counters(0).proxy_headers, 2u);
  request.proxy_protocol = config::ProxyProtocol::kNone;
  EXPECT_EQ(Word(RunProbe(request)), "closed_at_once");
}

}  // namespace
}  // namespace sstplb::probes
