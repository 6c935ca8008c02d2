// SPDX-License-Identifier: Apache-2.0
#include "probes/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace sstplb::probes {
namespace {

TEST(Outcome, WordsAreUniqueAndFitForLabels) {
  std::set<std::string_view> seen;
  for (const OutcomeInfo& info : kOutcomes) {
    EXPECT_TRUE(seen.insert(info.word).second) << info.word;
    EXPECT_TRUE(std::all_of(info.word.begin(), info.word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << info.word;
    EXPECT_GT(info.sentence.size(), 20u) << info.word;
  }
}

TEST(Outcome, OnlyOkIsGood) {
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(Info(outcome).verdict == Verdict::kGood, outcome == Outcome::kOk)
        << ToString(outcome);
  }
}

// What is this host's own trouble must not take a farm down.
TEST(Outcome, LocalTroubleSaysNothingAboutTheBackend) {
  for (const Outcome outcome : {Outcome::kLocalError, Outcome::kCancelled, Outcome::kExecNotRun}) {
    EXPECT_EQ(Info(outcome).verdict, Verdict::kNone) << ToString(outcome);
  }
}

}  // namespace
}  // namespace sstplb::probes
