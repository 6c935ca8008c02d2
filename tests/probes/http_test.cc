// kind = "http": which answers to a GET are good.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

TEST(HttpProbe, Answers) {
  struct Row {
    const char* answer;
    const char* outcome;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", "ok"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "ok"},
      {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "ok"},
      {"HTTP/1.1 403 Forbidden\r\n\r\n", "http_status"},
      {"HTTP/1.1 503 Service Unavailable\r\n\r\n", "http_status"},
      {"hello", "http_malformed"},
  };
  for (const Row& row : rows) {
    SstpServer server(row.answer);
    ProbeRequest request = RequestFor(config::ProbeKind::kHttp, server.address());
    request.settings.path = "/health";
    const ProbeReport report = RunProbe(request);
    server.Stop();
    EXPECT_EQ(Word(report), row.outcome) << row.answer;
    EXPECT_TRUE(server.request().starts_with("GET /health HTTP/1.1\r\nHost: vpn.example.com\r\n"))
        << server.request();
    EXPECT_TRUE(HasStep(report, Step::kGet));
  }
}

TEST(HttpProbe, Closed) {
  SstpServer server("", [](Connection&) {});
  EXPECT_EQ(Word(RunProbe(RequestFor(config::ProbeKind::kHttp, server.address()))), "http_closed");
}

}  // namespace
}  // namespace sstplb::probes
