// SPDX-License-Identifier: Apache-2.0
#include "lb/load/figures.h"

#include <gtest/gtest.h>

namespace sstplb::load {
namespace {

using tunnel::TunnelEnd;
using tunnel::TunnelReport;

TunnelReport Ended(TunnelEnd end, std::string detail) {
  TunnelReport report;
  report.end = end;
  report.detail = std::move(detail);
  return report;
}

TEST(Reason, KeepsADetailOnlyWhereItSaysMore) {
  EXPECT_EQ(ReasonOf(Ended(TunnelEnd::kTimeout, "at tls")).Text(), "timeout");
  EXPECT_EQ(ReasonOf(Ended(TunnelEnd::kClosed, "close_notify")).Text(), "closed");
  EXPECT_EQ(ReasonOf(Ended(TunnelEnd::kHttpRefused, "503 Busy")).Text(), "http_refused: 503 Busy");
  EXPECT_EQ(ReasonOf(Ended(TunnelEnd::kNak, "")).Text(), "nak");
  EXPECT_EQ(Reason().Text(), "other");
}

TEST(Reason, ALongDetailIsCut) {
  const std::string text = ReasonOf(Ended(TunnelEnd::kHttpRefused, std::string(9000, 'x'))).Text();
  EXPECT_LT(text.size(), 120u);
}

TEST(Tally, HasABoundAndLosesNoCount) {
  Tally<Reason, std::uint64_t> tally;
  for (int i = 0; i < 1000; ++i) ++tally.At({TunnelEnd::kHttpRefused, std::to_string(i)});
  EXPECT_LE(tally.all().size(), tally.kMost + 1);
  EXPECT_EQ(tally.all().at({TunnelEnd::kHttpRefused, "0"}), 1u);
  EXPECT_EQ(tally.all().at(Reason()), 1000u - tally.kMost);
}

TEST(Figures, MergedAddUp) {
  Figures one;
  one.counts.started = 3;
  one.counts.came_up = 2;
  one.counts.failed = 1;
  one.counts.up = 2;
  one.steps[1].failed = 1;
  one.steps[1].reasons.At({TunnelEnd::kTimeout, ""}) = 1;
  one.losses.At({TunnelEnd::kReset, ""}).Add(std::chrono::seconds(1));
  one.held_bytes_sent = 10;
  Figures two = one;
  two.counts.given_up = 1;
  two.counts.started = 4;
  Figures both;
  both.Merge(one);
  both.Merge(two);
  EXPECT_EQ(both.counts.started, 7u);
  EXPECT_EQ(both.counts.SettingUp(), 0u);
  EXPECT_EQ(both.counts.Ending(), 0u);
  EXPECT_EQ(both.steps[1].failed, 2u);
  EXPECT_EQ(both.steps[1].reasons.all().at({TunnelEnd::kTimeout, ""}), 2u);
  EXPECT_EQ(both.losses.all().at({TunnelEnd::kReset, ""}).count(), 2u);
  EXPECT_EQ(both.held_bytes_sent, 20u);
}

TEST(Step, WordsAndDepths) {
  EXPECT_EQ(ToString(Step::kTcp), "tcp");
  EXPECT_EQ(ToString(Step::kCall), "ack");
  EXPECT_EQ(StepsOf(tunnel::TunnelDepth::kTls), 2u);
  EXPECT_EQ(StepsOf(tunnel::TunnelDepth::kPpp), kSteps);
}

}  // namespace
}  // namespace sstplb::load
