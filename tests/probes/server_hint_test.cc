// What an outcome means on each kind of server.
//
// SPDX-License-Identifier: Apache-2.0
#include "probes/server_hint.h"

#include <gtest/gtest.h>

#include "lb/config/words.h"
#include "probes/server_kind.h"

namespace sstplb::probes {
namespace {

using config::ServerKind;

TEST(ServerHint, Table) {
  struct Row {
    ServerKind configured;
    const char* learned;
    Outcome outcome;
    int status;
    const char* name;
    const char* part;  // of the hint; "": there is none
  };
  const Row rows[] = {
      {ServerKind::kAuto, "", Outcome::kOk, 0, "", ""},
      {ServerKind::kAuto, "", Outcome::kHttpStatus, 501, "", "on SoftEther it is switched off"},
      {ServerKind::kAuto, "softether", Outcome::kHttpStatus, 501, "", "ProtoOptionsSet SSTP"},
      {ServerKind::kSoftEther, "", Outcome::kHttpStatus, 501, "", "ProtoOptionsSet SSTP"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 503, "", "RRAS is out of ports"},
      {ServerKind::kMikrotik, "", Outcome::kHttpStatus, 503, "", "overloaded or out of ports"},
      {ServerKind::kAccelPpp, "", Outcome::kHttpStatus, 404, "", "host-name"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 404, "", "probe.path"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 401, "", "probe.path"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 403, "", "RRAS is out of ports"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 500, "", "RRAS is out of ports"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 418, "", "RRAS is out of ports"},
      {ServerKind::kRras, "", Outcome::kHttpStatus, 302, "", ""},
      {ServerKind::kAuto, "", Outcome::kHttpStatus, 500, "", "in trouble"},
      {ServerKind::kAuto, "", Outcome::kHttpStatus, 418, "", ""},
      {ServerKind::kAccelPpp, "", Outcome::kClosedAtOnce, 0, "", "connlimit"},
      {ServerKind::kAccelPpp, "", Outcome::kHttpClosed, 0, "", "http-error=deny"},
      {ServerKind::kRras, "", Outcome::kHttpClosed, 0, "", ""},
      {ServerKind::kAccelPpp, "", Outcome::kClosedAtOnce, 0, "", "max-starting"},
      {ServerKind::kAuto, "accel-ppp", Outcome::kClosedAtOnce, 0, "", "max-starting"},
      {ServerKind::kAuto, "rras-or-softether", Outcome::kClosedAtOnce, 0, "", ""},
      {ServerKind::kSoftEther, "", Outcome::kProxyRejected, 0, "", "\"none\""},
      {ServerKind::kSoftEther, "", Outcome::kHttpTimeout, 0, "", "Debian"},
      {ServerKind::kSstpServer, "", Outcome::kServerFull, 0, "", "--remote"},
      {ServerKind::kAuto, "", Outcome::kTlsAlert, 0, "", "set probe.sni"},
      {ServerKind::kAuto, "", Outcome::kTlsAlert, 0, "vpn.example.com", ""},
      {ServerKind::kAccelPpp, "", Outcome::kTlsAlert, 0, "vpn.example.com", "other names"},
      {ServerKind::kRras, "", Outcome::kTlsAlert, 0, "", ""},
      // What was configured counts, whatever was learned.
      {ServerKind::kRras, "accel-ppp", Outcome::kClosedAtOnce, 0, "", ""},
  };
  for (const Row& row : rows) {
    ProbeRequest request;
    request.settings.server = row.configured;
    request.learned = row.learned;
    request.server_name = row.name;
    ProbeReport report;
    report.outcome = row.outcome;
    report.http_status = row.status;
    const std::string hint = ServerHint(request, report);
    const std::string what = std::string(config::ToWord(row.configured)) + "/" + row.learned + " " +
                             std::string(ToString(row.outcome)) + ": " + hint;
    EXPECT_EQ(hint.empty(), std::string_view(row.part).empty()) << what;
    EXPECT_NE(hint.find(row.part), std::string::npos) << what;
  }
}

TEST(ServerKind, LearnedFromTheAnswer) {
  struct Row {
    const char* head;
    const char* kind;
  };
  const Row rows[] = {
      {"200 OK\r\nContent-Length: 1\r\nDate: x\r\nServer: Microsoft-HTTPAPI/2.0\r\n", "softether"},
      {"200 \r\nContent-Length: 1\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: x\r\n", "rras"},
      {"200\r\nContent-Length: 1\r\nServer: Microsoft-HTTPAPI/1.0\r\nDate: x\r\n", "rras"},
      {"200 OK\r\nContent-Length: 1\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: x\r\n",
       "rras-or-softether"},
      {"200 \r\nContent-Length: 1\r\nServer: MikroTik-SSTP\r\nDate: x\r\n", "mikrotik"},
      {"200 OK\r\nContent-Length: 1\r\nServer: SSTP-Server/0.7.2\r\n", "sstp-server"},
      {"200 OK\r\nDate: x\r\nContent-Length: 1\r\nConnection: keep-alive\r\n", "accel-ppp"},
      {"200 OK\r\nContent-Length: 1\r\nServer: nginx\r\nConnection: keep-alive\r\n", ""},
  };
  for (const Row& row : rows) {
    const std::string text = std::string("HTTP/1.1 ") + row.head + "\r\n";
    const sstp::ResponseResult parsed = sstp::ParseResponse(AsBytes(text));
    ASSERT_EQ(parsed.state, sstp::ParseState::kParsed) << text;
    EXPECT_EQ(LearnServerKind(parsed.head, text), row.kind) << text;
  }
}

TEST(ServerKind, AVagueAnswerDoesNotUndoAClearOne) {
  EXPECT_EQ(BetterServerKind("", "rras-or-softether"), "rras-or-softether");
  EXPECT_EQ(BetterServerKind("softether", "rras-or-softether"), "softether");
  EXPECT_EQ(BetterServerKind("softether", ""), "softether");
  EXPECT_EQ(BetterServerKind("softether", "rras"), "rras");
  EXPECT_EQ(BetterServerKind("accel-ppp", "rras-or-softether"), "rras-or-softether");
}

TEST(ServerKind, TreatedAsConfiguredOrAsLearned) {
  EXPECT_EQ(TreatedAs(ServerKind::kRras, "softether"), ServerKind::kRras);
  EXPECT_EQ(TreatedAs(ServerKind::kAuto, "softether"), ServerKind::kSoftEther);
  EXPECT_EQ(TreatedAs(ServerKind::kAuto, "rras-or-softether"), ServerKind::kAuto);
  EXPECT_EQ(TreatedAs(ServerKind::kAuto, ""), ServerKind::kAuto);
}

}  // namespace
}  // namespace sstplb::probes
