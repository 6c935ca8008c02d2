// /metrics: Prometheus' own tool accepts it.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "metrics/names.h"
#include "tests/admin/running_server.h"

namespace sstplb::testing {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, AreServedAsPrometheusReadsThem) {
  const RunningServer server;
  const Reply reply = server.AskHttp("GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  for (const metrics::MetricInfo& info : metrics::kMetrics) {
    EXPECT_THAT(reply.body, HasSubstr("# TYPE " + std::string(info.name) + " "));
  }
}

TEST(MetricsTest, PromtoolAcceptsEveryMetric) {
  if (std::system("command -v promtool >/dev/null") != 0) {
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  }
  const RunningServer server;
  const TempFolder folder;
  const std::string file = folder / "metrics.txt";
  std::ofstream(file) << server.AskHttp("GET", "/metrics").body;
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

}  // namespace
}  // namespace sstplb::testing
