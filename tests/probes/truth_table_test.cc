// The truth table: kind of server x what it does x depth of the probe -> outcome and verdict, and
// that no probe leaves a connection, an address or a half-open call behind. The whole table runs at
// once: a server of the demo farm for each cell. docs/probes.md tells it to people.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <optional>
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
  kOwnHost,        // any SNI will do, the Host is what the server wants
  kOtherHost,      // ... is another
  kNoHash,         // an Ack with hash mask 0
  kJoinedRecords,  // several messages in one TLS record
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
    {"any SNI, its Host", {}, "ok", "ok", Verdict::kGood, Setting::kOwnHost},
    {"any SNI, another Host",
     {},
     "http_status",
     "http_status",
     Verdict::kRefuses,
     Setting::kOtherHost},
    {"no hash in the Ack", {}, "ok", "ok", Verdict::kGood, Setting::kNoHash},
    {"messages share records", {}, "ok", "ok", Verdict::kGood, Setting::kJoinedRecords},
    {"full at accept",
     {},
     "closed_at_once",
     "closed_at_once",
     Verdict::kRefuses,
     Setting::kNoConnections},
    {"out of addresses", {}, "ok", "server_full", Verdict::kRefuses, Setting::kNoAddresses},
};

// What the hint says to who has configured the kind: the first line that fits; none, no hint.
struct HintPart {
  const char* row;
  std::optional<ServerKind> server;
  const char* part;
};
const HintPart kHints[] = {
    {"closes at accept", ServerKind::kAccelPpp, "connlimit"},
    {"closes at accept", ServerKind::kSstpServer, "waits for a PROXY header"},
    {"full at accept", ServerKind::kAccelPpp, "max-sessions or max-starting"},
    {"full at accept", ServerKind::kSstpServer, "waits for a PROXY header"},
    {"waits for a PROXY header", ServerKind::kAccelPpp, "accept=proxy"},
    {"waits for a PROXY header", ServerKind::kSstpServer, "waits for a PROXY header"},
    {"knows no PROXY header", ServerKind::kAccelPpp, "accept=ssl,proxy"},
    {"knows no PROXY header", ServerKind::kRras, "proxy_protocol = \"none\""},
    {"knows no PROXY header", ServerKind::kSoftEther, "proxy_protocol = \"none\""},
    {"knows no PROXY header", ServerKind::kSstpServer, "proxy_protocol = \"none\""},
    {"a TLS alert", ServerKind::kAccelPpp, "refuses other names"},
    {"host-name is another", ServerKind::kAccelPpp, "refuses other names"},
    {"host-name, no SNI", ServerKind::kAccelPpp, "no server name was shown"},
    {"any SNI, another Host", ServerKind::kAccelPpp, "another than the Host"},
    {"any SNI, another Host", {}, "this path or this host name"},
    {"never answers the POST", ServerKind::kSoftEther, "Debian"},
    {"301", ServerKind::kAccelPpp, "http-error"},
    {"401", {}, "leave probe.path empty"},
    {"404", ServerKind::kAccelPpp, "another than the Host"},
    {"404", {}, "this path or this host name"},
    {"501: SSTP is off", ServerKind::kSoftEther, "ProtoOptionsSet SSTP"},
    {"501: SSTP is off", ServerKind::kRras, "out of ports"},
    {"501: SSTP is off", {}, "does not do SSTP"},
    {"503: out of ports", ServerKind::kRras, "RRAS is out of ports"},
    {"503: out of ports", {}, "overloaded or out of ports"},
    {"closes after the POST", ServerKind::kAccelPpp, "http-error=deny"},
    {"never answers the call", ServerKind::kSstpServer, "that it does not like"},
    {"Ack and Abort", ServerKind::kSstpServer, "given out"},
    {"Ack and Abort", ServerKind::kAccelPpp, "address pool"},
    {"out of addresses", ServerKind::kSstpServer, "given out"},
    {"out of addresses", ServerKind::kAccelPpp, "address pool"},
};

std::string_view HintOf(const Row& row, ServerKind server) {
  for (const HintPart& hint : kHints) {
    if (std::string_view(hint.row) != row.what) continue;
    if (!hint.server || hint.server == server) return hint.part;
  }
  return {};
}

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
    case Setting::kOwnHost:
    case Setting::kOtherHost:
      options.host_name = cell.row->setting == Setting::kOwnHost ? kName : "other.sstp.test";
      options.any_sni = true;
      break;
    case Setting::kNoHash:
      options.personality.hash_mask = 0;
      break;
    case Setting::kJoinedRecords:
      options.personality.join_records = true;
      options.leak_window = {};  // so that PPP begins at once
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

void ExpectWords(const Cell& cell, const ProbeReport& report) {
  if (cell.configured != ServerKind::kAuto) {
    const std::string_view part = HintOf(*cell.row, cell.configured);
    EXPECT_EQ(report.hint.empty(), part.empty()) << report.hint;
    EXPECT_NE(report.hint.find(part), std::string::npos) << report.hint;
  }
  const bool no_hash = cell.row->setting == Setting::kNoHash && cell.depth == ProbeDepth::kCall;
  EXPECT_EQ(report.note.find("no hash") != std::string::npos, no_hash) << report.note;
  if (report.outcome == Outcome::kCallNak) {
    EXPECT_EQ(report.detail, "status 4 value_not_supported");
  }
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

Fd ConnectTo(const SocketAddress& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  return fd;
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
    ExpectWords(cells[i], reports[i]);
    ExpectNothingLeft(**farm, i, *cells[i].row);
  }
}

// Connections that only began are what reaches accel-ppp's max-starting, and a probe is one more.
TEST(TruthTable, MaxStartingIsReachedByHalfOpenConnections) {
  demo::ServerOptions options;
  options.personality = demo::PersonalityOf(demo::Kind::kAccelPpp);
  options.max_starting = 2;
  const auto farm = demo::Farm::Start({options});
  ASSERT_TRUE(farm.ok());
  const auto await_open = [&](std::size_t open) {
    return (*farm)->Await(
        0, [open](const demo::ServerCounters& c) { return c.open == open; }, seconds(10));
  };
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, (*farm)->address(0));
  request.settings.server = ServerKind::kAccelPpp;
  {
    const Fd first = ConnectTo((*farm)->address(0));
    ASSERT_TRUE(await_open(1));
    EXPECT_EQ(Word(RunProbe(request)), "ok") << "the second of two";
    ASSERT_TRUE(await_open(1));
    const Fd second = ConnectTo((*farm)->address(0));
    ASSERT_TRUE(await_open(2));
    const ProbeReport full = RunProbe(request);
    EXPECT_EQ(Word(full), "closed_at_once");
    EXPECT_NE(full.hint.find("max-starting"), std::string::npos) << full.hint;
    EXPECT_EQ((*farm)->counters(0).turned_away, 1u);
  }
  ASSERT_TRUE(await_open(0));
  EXPECT_EQ(Word(RunProbe(request)), "ok");
}

}  // namespace
}  // namespace sstplb::probes
