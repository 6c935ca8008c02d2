// kind = "sstp", depth = "post": the answers that real servers give, and those that are no SSTP.
//
// SPDX-License-Identifier: Apache-2.0
#include "probes/server_kind.h"
#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;

TEST(SstpPost, AsksAsAClientDoes) {
  SstpServer server(Ok200());
  const ProbeReport report = RunProbe(RequestFor(config::ProbeKind::kSstp, server.address()));
  server.Stop();
  EXPECT_EQ(Word(report), "ok") << report.detail;
  EXPECT_EQ(report.status_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(report.server_header, "Microsoft-HTTPAPI/2.0");
  EXPECT_EQ(report.server_kind, "rras-or-softether");
  EXPECT_EQ(server.end(), "close_notify") << "a clean end, which servers do not log as an error";
  const sstp::RequestResult request = sstp::ParseRequest(AsBytes(server.request()));
  ASSERT_EQ(request.state, sstp::ParseState::kParsed) << request.why;
  EXPECT_EQ(request.head.method, "SSTP_DUPLEX_POST");
  EXPECT_EQ(request.head.target, "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/");
  EXPECT_EQ(request.head.host, "vpn.example.com");
  EXPECT_EQ(request.head.minor_version, 1);
  EXPECT_EQ(request.head.correlation_id.size(), 38u);
  EXPECT_EQ(request.head.content_length, sstp::kEndless);
}

TEST(SstpPost, Answers) {
  const std::string endless = "Content-Length: 18446744073709551615\r\n";
  struct Row {
    std::string answer;
    const char* outcome;
    const char* kind;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\n" + endless + "\r\n", "ok", ""},
      {"HTTP/1.1 200 \r\n" + endless + "\r\n", "ok", ""},
      {"HTTP/1.1 200\r\n" + endless + "\r\n", "ok", ""},
      {"HTTP/1.0 200 Fine\r\n" + endless + "\r\n", "ok", ""},
      {"HTTP/1.1 200 OK\r\n" + endless + "Server: SSTP-Server/0.7.2\r\n\r\n", "ok", "sstp-server"},
      {"HTTP/1.1 200 OK\r\nDate: x\r\n" + endless + "Connection: keep-alive\r\n\r\n", "ok",
       "accel-ppp"},
      {"HTTP/1.1 200 OK\r\n\r\n", "not_sstp", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 612\r\nServer: nginx\r\n\r\n", "not_sstp", ""},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "http_status", ""},
      {"HTTP/1.1 501 Method Not Implemented\r\n\r\n", "http_status", ""},
      {"HTTP/1.1 503 Service Unavailable\r\n" + endless + "\r\n", "http_status", ""},
      {"HTTP/2 200\r\n\r\n", "http_malformed", ""},
      {"220 smtp.example.com ESMTP\r\n", "http_malformed", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", "http_malformed", ""},
      {"HTTP/1.1 200 " + std::string(9000, 'x'), "http_malformed", ""},
  };
  for (const Row& row : rows) {
    SstpServer server(row.answer);
    const ProbeReport report = RunProbe(RequestFor(config::ProbeKind::kSstp, server.address()));
    EXPECT_EQ(Word(report), row.outcome) << row.answer.substr(0, 80) << "\n" << report.detail;
    EXPECT_EQ(report.server_kind, row.kind) << row.answer.substr(0, 80);
  }
}

TEST(SstpPost, AnswerInSingleBytes) {
  SstpServer server("", [](Connection& c) {
    for (const char byte : Ok200()) c.Send(std::string_view(&byte, 1));
    c.End();
  });
  EXPECT_EQ(Word(RunProbe(RequestFor(config::ProbeKind::kSstp, server.address()))), "ok");
}

TEST(SstpPost, ClosedOrSilent) {
  SstpServer closing("", [](Connection&) {});
  EXPECT_EQ(Word(RunProbe(RequestFor(config::ProbeKind::kSstp, closing.address()))), "http_closed");
  SstpServer half("HTTP/1.1 200", [](Connection&) {});
  EXPECT_EQ(Word(RunProbe(RequestFor(config::ProbeKind::kSstp, half.address()))), "http_closed");

  SstpServer silent("");
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, silent.address());
  request.settings.timeout = milliseconds(1000);
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "http_timeout");
  EXPECT_LT(report.took, milliseconds(2500));
}

TEST(SstpPost, TellsWhenTheServerIsAnotherThanConfigured) {
  SstpServer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n"
      "Server: SSTP-Server/0.7.2\r\n\r\n");
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, server.address());
  request.settings.server = config::ServerKind::kRras;
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "ok");
  EXPECT_EQ(report.note, "configured as rras, answers like sstp-server");
}

TEST(SstpPost, PathAndHostWithoutAName) {
  SstpServer server(Ok200());
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, server.address());
  request.server_name.clear();
  request.settings.path = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/?tenantid=1";
  EXPECT_EQ(Word(RunProbe(request)), "ok");
  server.Stop();
  const sstp::RequestResult seen = sstp::ParseRequest(AsBytes(server.request()));
  EXPECT_EQ(seen.head.target, request.settings.path);
  EXPECT_EQ(seen.head.host, "127.0.0.1");
}

TEST(ServerKind, LearnedFromHowItCloses) {
  EXPECT_EQ(RefineServerKind("rras-or-softether", milliseconds(25)), "softether");
  EXPECT_EQ(RefineServerKind("rras-or-softether", milliseconds(1000)), "rras");
  EXPECT_EQ(RefineServerKind("rras-or-softether", milliseconds(2000)), "rras-or-softether");
  EXPECT_EQ(RefineServerKind("sstp-server", milliseconds(25)), "sstp-server");
  EXPECT_EQ(ServerKindNote(config::ServerKind::kRras, "rras-or-softether"), "");
  EXPECT_EQ(ServerKindNote(config::ServerKind::kMikrotik, ""), "");
  EXPECT_EQ(ServerKindNote(config::ServerKind::kAuto, "accel-ppp"), "");
}

}  // namespace
}  // namespace sstplb::probes
