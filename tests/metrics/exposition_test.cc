// Exposition: the exact text, its order and its escapes. That promtool accepts a full one is
// checked where a whole balancer answers (tests/admin).
//
// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::metrics {
namespace {

using ::testing::HasSubstr;

TEST(ExpositionTest, WritesFamiliesInTheOrderOfTheTable) {
  Exposition e;
  e.Add<Metric::kOpenFiles>(12);
  e.Add<Metric::kSessionsActive>({"vpn", "main", "vpn1"}, 3);
  e.Add<Metric::kSessionsActive>({"vpn", "main", "vpn2"}, 4);
  EXPECT_EQ(e.Text(),
            "# HELP sstplb_sessions_active Sessions that are open now.\n"
            "# TYPE sstplb_sessions_active gauge\n"
            "sstplb_sessions_active{listener=\"vpn\",pool=\"main\",backend=\"vpn1\"} 3\n"
            "sstplb_sessions_active{listener=\"vpn\",pool=\"main\",backend=\"vpn2\"} 4\n"
            "# HELP sstplb_open_files File descriptors that are open.\n"
            "# TYPE sstplb_open_files gauge\n"
            "sstplb_open_files 12\n");
}

TEST(ExpositionTest, AMetricWithoutASampleIsLeftOut) { EXPECT_EQ(Exposition().Text(), ""); }

TEST(ExpositionTest, HistogramsAreCumulative) {
  constexpr std::array kBounds = {0.5, 2.0};
  Histogram h(kBounds);
  h.Observe(0.25);
  h.Observe(1.0);
  h.Observe(60.0);
  Exposition e;
  e.Add<Metric::kSessionDuration>({"main"}, h);
  const std::string text = e.Text();
  EXPECT_THAT(text, HasSubstr("# TYPE sstplb_session_duration_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("sstplb_session_duration_seconds_count{pool=\"main\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("sstplb_session_duration_seconds_sum{pool=\"main\"} 61.25\n"));
  EXPECT_THAT(text, HasSubstr("sstplb_session_duration_seconds_bucket{pool=\"main\",le=\"0.5\"} 1\n"
                              "sstplb_session_duration_seconds_bucket{pool=\"main\",le=\"2\"} 2\n"
                              "sstplb_session_duration_seconds_bucket{pool=\"main\",le=\"+Inf\"} 3"
                              "\n"));
}

TEST(ExpositionTest, LabelValuesAreEscaped) {
  Exposition e;
  e.Add<Metric::kAffinityEntries>({"a\"b\\c\nd"}, 1);
  EXPECT_THAT(e.Text(), HasSubstr("{pool=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(ExpositionTest, LargeCountersKeepTheirDigits) {
  Exposition e;
  e.Add<Metric::kSessionBytes>({"main", "vpn1", "to_client"}, 9007199254740991.0);
  EXPECT_THAT(e.Text(), HasSubstr("} 9007199254740991\n"));
}

}  // namespace
}  // namespace sstplb::metrics
