// The table of metrics: names follow Prometheus' conventions, and docs/metrics.md tells the same.
//
// SPDX-License-Identifier: Apache-2.0
#include "metrics/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sstplb::metrics {
namespace {

std::string ReadManual() {
  std::ifstream file(SSTPLB_DOCS "/metrics.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The row of docs/metrics.md that a metric must have.
std::string ManualRow(const MetricInfo& info) {
  constexpr std::string_view kKinds[] = {"counter", "gauge", "histogram"};
  std::string labels;
  for (const char c : info.labels) labels += c == ',' ? std::string(", ") : std::string(1, c);
  return "| `" + std::string(info.name) + "` | " +
         std::string(kKinds[static_cast<std::size_t>(info.kind)]) + " | " + labels +
         (labels.empty() ? "| " : " | ") + std::string(info.help) + " |\n";
}

TEST(MetricNamesTest, AreUniqueAndWellFormed) {
  std::set<std::string_view> seen;
  for (const MetricInfo& info : kMetrics) {
    EXPECT_TRUE(seen.insert(info.name).second) << info.name;
    EXPECT_TRUE(info.name.starts_with("sstplb_")) << info.name;
    EXPECT_EQ(info.name.ends_with("_total"), info.kind == Kind::kCounter) << info.name;
    EXPECT_TRUE(info.kind != Kind::kHistogram || info.name.ends_with("_seconds")) << info.name;
    EXPECT_TRUE(info.help.ends_with(".")) << info.name;
    EXPECT_EQ(Info(info.id).name, info.name);
  }
}

TEST(MetricNamesTest, LabelsAreCounted) {
  EXPECT_EQ(LabelCount(Metric::kOpenFiles), 0u);
  EXPECT_EQ(LabelCount(Metric::kAffinityEntries), 1u);
  EXPECT_EQ(LabelCount(Metric::kSessionsActive), 3u);
}

TEST(MetricNamesTest, TheManualHasEveryMetricAndNoOther) {
  const std::string manual = ReadManual();
  ASSERT_FALSE(manual.empty());
  for (const MetricInfo& info : kMetrics) {
    EXPECT_THAT(manual, ::testing::HasSubstr(ManualRow(info)));
  }
  std::size_t rows = 0;
  for (std::size_t at = manual.find("\n| `sstplb_"); at != std::string::npos;
       at = manual.find("\n| `sstplb_", at + 1)) {
    ++rows;
  }
  EXPECT_EQ(rows, kMetrics.size());
}

}  // namespace
}  // namespace sstplb::metrics
