// SPDX-License-Identifier: Apache-2.0
#include "probes/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/text.h"

namespace sstplb::probes {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

TEST(Printable, Table) {
  EXPECT_EQ(Printable("plain text", 20), "plain text");
  EXPECT_EQ(Printable(std::string_view("a\0\n\x1b[31m\xff", 9), 20), "a\\x00\\x0a\\x1b[31m\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
  EXPECT_EQ(Printable("", 3), "");
}

TEST(ReportLines, AWholeCall) {
  ProbeRequest request;
  request.address = SocketAddress::Parse("10.0.0.11:443");
  request.proxy_protocol = config::ProxyProtocol::kV2;
  ProbeReport report;
  report.outcome = Outcome::kOk;
  report.took = microseconds(307'340);
  report.local = SocketAddress::Parse("10.0.0.2:51234");
  report.steps = {{Step::kTcp, microseconds(310)},   {Step::kProxy, microseconds(20)},
                  {Step::kTls, microseconds(5120)},  {Step::kPost, microseconds(1240)},
                  {Step::kCall, microseconds(400)},  {Step::kWatch, milliseconds(300)},
                  {Step::kClose, milliseconds(1001)}};
  const WallTime now = WallTime(hours(24 * 20'000));
  CertificateFacts facts;
  facts.sha256 = "ab12";
  facts.subject = "CN=vpn.example.com";
  facts.issuer = "CN=Example CA";
  facts.names = {"vpn.example.com", "192.0.2.1"};
  facts.not_before = now - hours(24);
  facts.not_after = now + hours(24 * 30 + 1);
  facts.verify_error = "self-signed certificate in certificate chain";
  report.tls = TlsFacts{
      "TLSv1.3",
      "TLS_AES_256_GCM_SHA384",
      "",
      facts,
      {{"CN=vpn.example.com", facts.not_after}, {"CN=Example CA", now + hours(24 * 400 + 1)}},
      OcspFacts{"good", now + hours(24)}};
  report.status_line = "HTTP/1.1 200 OK";
  report.server_header = "Microsoft-HTTPAPI/2.0";
  report.server_kind = "rras";
  report.hash_mask = 3;
  report.peer_closed = true;
  report.note = "the certificate expires in 30d";
  report.said = {
      {Step::kPost, true, {"SSTP_DUPLEX_POST / HTTP/1.1", "Host: vpn.example.com"}},
      {Step::kPost, false, {"HTTP/1.1 200 OK"}},
  };
  EXPECT_THAT(
      ReportLines(request, report, now),
      ElementsAre("tcp          0.3 ms  connected to 10.0.0.11:443 from 10.0.0.2:51234",
                  "proxy        0.0 ms  v2 LOCAL header sent",
                  "tls          5.1 ms  TLSv1.3 TLS_AES_256_GCM_SHA384",
                  "               cert  CN=vpn.example.com, issued by CN=Example CA",
                  "              names  vpn.example.com 192.0.2.1",
                  "              valid  2024-10-03 to 2024-11-03, 30 days left",
                  "             sha256  ab12",
                  "              chain  CN=vpn.example.com (30 days left) <- CN=Example CA "
                  "(400 days left)",
                  "              trust  not verified: self-signed certificate in certificate chain",
                  "               ocsp  stapled, good, until 2024-10-05T00:00:00.000Z",
                  "post         1.2 ms  HTTP/1.1 200 OK, server Microsoft-HTTPAPI/2.0 (rras)",
                  "               sent  SSTP_DUPLEX_POST / HTTP/1.1",
                  "                     Host: vpn.example.com",
                  "               came  HTTP/1.1 200 OK",
                  "call         0.4 ms  Ack, crypto binding with SHA-1 SHA-256",
                  "watch      300.0 ms", "close     1001.0 ms  the backend closed",
                  "fits                 server = \"rras\", proxy_protocol = \"v2\"",
                  "note                 the certificate expires in 30d",
                  "ok         307.3 ms  the backend answered as it should"));
}

TEST(ReportLines, AFailure) {
  ProbeRequest request;
  request.address = SocketAddress::Parse("10.0.0.11:443");
  ProbeReport report;
  report.outcome = Outcome::kHttpStatus;
  report.detail = "HTTP/1.1 501 Method Not Implemented";
  report.took = milliseconds(7);
  report.steps = {{Step::kTcp, milliseconds(7)}};
  EXPECT_THAT(ReportLines(request, report, {}),
              ElementsAre("tcp          7.0 ms",
                          "http_status  7.0 ms  the server answered, but with a status that is "
                          "no success",
                          "                     HTTP/1.1 501 Method Not Implemented"));
}

}  // namespace
}  // namespace sstplb::probes
