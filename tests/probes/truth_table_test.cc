// The truth table: kind of server x what it does x depth of the probe -> outcome and verdict, and
// that no probe leaves a connection, an address or a half-open call behind. The whole table runs at
// once: a server of the demo farm for each cell. docs/probes.md tells it to people.
//
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "lb/config/words.h"
#include "lb/demo/farm.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using config::ProbeDepth;
using config::ProxyProtocol;
using config::ServerKind;
using demo::FaultKind;
using std::chrono::seconds;

constexpr const char* kName = "vpn.sstp.test";

// How a row's server and its probe differ from what fits.
enum class Setting {
  kPlain,
  kWantsProxy,   // the server reads a PROXY header, the probe sends none
  kGetsProxyV1,  // and the probe sends it
  kGetsProxyV2,
  kUnwantedProxy,  // the probe sends one, the server reads none
  kRightName,      // accel-ppp's host-name is what the probe shows
  kOtherName,      // ... is another
  kNoName,         // ... and the probe shows none
  kNoConnections,  // full: closes at accept
  kNoAddresses,    // full: 200, Ack, and an Abort 0.2 ms later
};

struct Row {
  const char* what;
  demo::Fault fault;
  const char* post;  // outcomes
  const char* call;
  Verdict verdict;  // of the deeper one
  Setting setting = Setting::kPlain;
  bool leaves_call = false;  // the server never closes: two seconds of waiting end the probe
};

demo::Fault Status(int status) { return {.kind = FaultKind::kHttpStatus, .http_status = status}; }

const Row kRows[] = {
    {"all is well", {}, "ok", "ok", Verdict::kGood},
    {"200 without a reason", {FaultKind::kEmptyReason}, "ok", "ok", Verdict::kGood},
    {"nothing listens", {FaultKind::kRefuse}, "connect_refused", "connect_refused", Verdict::kDead},
    {"a stopped process", {FaultKind::kFreeze}, "tls_timeout", "tls_timeout", Verdict::kDead},
    {"closes at accept",
     {FaultKind::kCloseAtAccept},
     "closed_at_once",
     "closed_at_once",
     Verdict::kRefuses},
    {"accepts and is silent",
     {FaultKind::kHangAtAccept},
     "tls_timeout",
     "tls_timeout",
     Verdict::kDead},
    {"no ServerHello", {FaultKind::kHangAtTls}, "tls_timeout", "tls_timeout", Verdict::kDead},
    {"plain HTTP on the port",
     {FaultKind::kNotTls},
     "tls_protocol_error",
     "tls_protocol_error",
     Verdict::kDead},
    {"a TLS alert", {FaultKind::kTlsAlert}, "tls_alert", "tls_alert", Verdict::kRefuses},
    {"never answers the POST",
     {FaultKind::kHangAtPost},
     "http_timeout",
     "http_timeout",
     Verdict::kDead},
    {"301", Status(301), "http_status", "http_status", Verdict::kRefuses},
    {"401", Status(401), "http_status", "http_status", Verdict::kRefuses},
    {"404", Status(404), "http_status", "http_status", Verdict::kRefuses},
    {"501: SSTP is off", Status(501), "http_status", "http_status", Verdict::kRefuses},
    {"503: out of ports", Status(503), "http_status", "http_status", Verdict::kRefuses},
    {"200 of a web server", {FaultKind::kPlainOk}, "not_sstp", "not_sstp", Verdict::kDead},
    {"closes after the POST",
     {FaultKind::kCloseAfterPost},
     "http_closed",
     "http_closed",
     Verdict::kRefuses},
    {"Nak", {FaultKind::kNak}, "ok", "call_nak", Verdict::kRefuses},
    {"never answers the call",
     {FaultKind::kHangAtCall},
     "ok",
     "call_timeout",
     Verdict::kDead,
     Setting::kPlain},
    {"Abort for an answer", {FaultKind::kAbortCall}, "ok", "call_aborted", Verdict::kRefuses},
    {"an Ack without binding", {FaultKind::kBareAck}, "ok", "call_malformed", Verdict::kDead},
    {"Ack and Abort", {FaultKind::kAbortAfterAck}, "ok", "server_full", Verdict::kRefuses},
    {"a reset in the call", {FaultKind::kReset}, "ok", "call_closed", Verdict::kRefuses},
    {"never closes", {FaultKind::kNeverClose}, "ok", "ok", Verdict::kGood, Setting::kPlain, true},
    {"waits for a PROXY header",
     {},
     "closed_at_once",
     "closed_at_once",
     Verdict::kRefuses,
     Setting::kWantsProxy},
    {"gets its v1", {}, "ok", "ok", Verdict::kGood, Setting::kGetsProxyV1},
    {"gets its v2", {}, "ok", "ok", Verdict::kGood, Setting::kGetsProxyV2},
    {"knows no PROXY header",
     {},
     "proxy_rejected",
     "proxy_rejected",
     Verdict::kRefuses,
     Setting::kUnwantedProxy},
    {"host-name fits", {}, "ok", "ok", Verdict::kGood, Setting::kRightName},
    {"host-name is another", {}, "tls_alert", "tls_alert", Verdict::kRefuses, Setting::kOtherName},
    {"host-name, no SNI", {}, "tls_alert", "tls_alert", Verdict::kRefuses, Setting::kNoName},
    {"full at accept",
     {},
     "closed_at_once",
     "closed_at_once",
     Verdict::kRefuses,
     Setting::kNoConnections},
    {"out of addresses", {}, "ok", "server_full", Verdict::kRefuses, Setting::kNoAddresses},
};

struct Kind {
  demo::Kind demo;
  ServerKind server;
};
constexpr Kind kKinds[] = {
    {demo::Kind::kRras, ServerKind::kRras},
    {demo::Kind::kSoftether, ServerKind::kSoftEther},
    {demo::Kind::kAccelPpp, ServerKind::kAccelPpp},
    {demo::Kind::kSstpServer, ServerKind::kSstpServer},
    {demo::Kind::kMikrotik, ServerKind::kMikrotik},
};

struct Cell {
  const Row* row;
  Kind kind;
  ServerKind configured;
  ProbeDepth depth;

  std::string expected() const { return depth == ProbeDepth::kPost ? row->post : row->call; }
  std::string text() const {
    return std::string(config::ToWord(kind.server)) + " as " +
           std::string(config::ToWord(configured)) + ", " + std::string(config::ToWord(depth)) +
           ": " + row->what;
  }
};

std::vector<Cell> AllCells() {
  std::vector<Cell> cells;
  for (const Kind& kind : kKinds) {
    for (const Row& row : kRows) {
      cells.push_back({&row, kind, ServerKind::kAuto, ProbeDepth::kPost});
      cells.push_back({&row, kind, ServerKind::kAuto, ProbeDepth::kCall});
      cells.push_back({&row, kind, kind.server, ProbeDepth::kCall});
    }
  }
  return cells;
}

demo::ServerOptions ServerFor(const Cell& cell, const demo::Certificate& certificate) {
  demo::ServerOptions options;
  options.certificate = certificate;
  options.personality = demo::PersonalityOf(cell.kind.demo);
  // A dropped call costs it its address for ever.
  if (cell.kind.demo == demo::Kind::kSstpServer) options.leak_window = seconds(60);
  switch (cell.row->setting) {
    case Setting::kWantsProxy:
    case Setting::kGetsProxyV1:
    case Setting::kGetsProxyV2:
      options.proxy_header = true;
      break;
    case Setting::kRightName:
    case Setting::kNoName:
      options.host_name = kName;
      break;
    case Setting::kOtherName:
      options.host_name = "other.sstp.test";
      break;
    case Setting::kNoConnections:
      options.max_connections = 0;
      break;
    case Setting::kNoAddresses:
      options.addresses = 0;
      break;
    case Setting::kPlain:
    case Setting::kUnwantedProxy:
      break;
  }
  return options;
}

ProbeRequest RequestOf(const Cell& cell, const SocketAddress& address) {
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, address);
  request.server_name = cell.row->setting == Setting::kNoName ? "" : kName;
  request.settings.server = cell.configured;
  request.settings.depth = cell.depth;
  // Short only where it is waited for: a busy machine must not change the answer.
  const bool waits = cell.expected().find("timeout") != std::string::npos;
  request.settings.timeout = waits ? seconds(5) : seconds(15);
  if (cell.row->setting == Setting::kGetsProxyV1) request.proxy_protocol = ProxyProtocol::kV1;
  if (cell.row->setting == Setting::kGetsProxyV2 || cell.row->setting == Setting::kUnwantedProxy) {
    request.proxy_protocol = ProxyProtocol::kV2;
  }
  return request;
}

void ExpectNothingLeft(const demo::Farm& farm, std::size_t server, const Row& row) {
  // Who is stopped has not accepted the probe, and thus not seen it go.
  const bool gone = farm.Await(
      server, [](const demo::ServerCounters& c) { return c.open == 0; }, seconds(10));
  EXPECT_TRUE(gone);
  const demo::ServerCounters counters = farm.counters(server);
  if (row.leaves_call) return;
  EXPECT_EQ(counters.half_open_left, 0u);
  EXPECT_EQ(counters.addresses_leaked, 0u);
  EXPECT_EQ(counters.addresses_in_use, 0u);
}

TEST(TruthTable, EveryCell) {
  const Result<demo::Certificate> certificate = demo::MakeCertificate({.names = {kName}});
  ASSERT_TRUE(certificate.ok());
  const std::vector<Cell> cells = AllCells();
  std::vector<demo::ServerOptions> servers;
  for (const Cell& cell : cells) servers.push_back(ServerFor(cell, *certificate));
  const auto farm = demo::Farm::Start(std::move(servers));
  ASSERT_TRUE(farm.ok());
  std::vector<ProbeRequest> requests;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    ASSERT_TRUE((*farm)->SetFault(i, cells[i].row->fault).ok());
    requests.push_back(RequestOf(cells[i], (*farm)->address(i)));
  }
  const std::vector<ProbeReport> reports = RunProbes(requests);
  ASSERT_EQ(reports.size(), cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    SCOPED_TRACE(cells[i].text());
    EXPECT_EQ(Word(reports[i]), cells[i].expected()) << reports[i].detail;
    if (cells[i].depth == ProbeDepth::kCall) {
      EXPECT_EQ(Info(reports[i].outcome).verdict, cells[i].row->verdict);
    }
    if (reports[i].good()) {
      EXPECT_EQ(reports[i].server_kind, config::ToWord(cells[i].kind.server));
    }
    ExpectNothingLeft(**farm, i, *cells[i].row);
  }
}

}  // namespace
}  // namespace sstplb::probes
