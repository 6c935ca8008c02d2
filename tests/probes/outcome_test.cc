// SPDX-License-Identifier: Apache-2.0
#include "probes/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
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

// Sessions of a backend are closed for what is known to have killed them, and not because there is
// no place for another one or a certificate is out of date.
TEST(Outcome, WhoRefusesIsNotDead) {
  for (const Outcome outcome :
       {Outcome::kServerFull, Outcome::kClosedAtOnce, Outcome::kProxyRejected, Outcome::kCallNak,
        Outcome::kHttpStatus, Outcome::kTlsAlert, Outcome::kNoRoute,
        Outcome::kCertificateExpired}) {
    EXPECT_EQ(Info(outcome).verdict, Verdict::kRefuses) << ToString(outcome);
  }
  for (const Outcome outcome : {Outcome::kConnectRefused, Outcome::kConnectTimeout,
                                Outcome::kTlsTimeout, Outcome::kHttpTimeout, Outcome::kNotSstp}) {
    EXPECT_EQ(Info(outcome).verdict, Verdict::kDead) << ToString(outcome);
  }
}

TEST(Outcome, TheManualTellsTheDeadFromThoseThatRefuse) {
  std::ifstream manual(std::filesystem::path(SSTPLB_TEST_VECTORS) /
                       "../../docs/troubleshooting.md");
  std::set<std::string> dead;
  std::set<std::string> refuses;
  for (std::string line; std::getline(manual, line);) {
    auto* words = line.starts_with("| is dead |") ? &dead : &refuses;
    if (words == &refuses && !line.starts_with("| lives and refuses")) continue;
    for (std::size_t at = line.find('`'); at != std::string::npos;) {
      const std::size_t end = line.find('`', at + 1);
      EXPECT_TRUE(words->insert(line.substr(at + 1, end - at - 1)).second) << line;
      at = line.find('`', end + 1);
    }
  }
  for (const OutcomeInfo& info : kOutcomes) {
    const std::string word(info.word);
    EXPECT_EQ(dead.contains(word), info.verdict == Verdict::kDead) << word;
    EXPECT_EQ(refuses.contains(word), info.verdict == Verdict::kRefuses) << word;
  }
}

// Every outcome has its line in the table of what to do.
TEST(Outcome, TheManualSaysWhatToDo) {
  std::ifstream manual(std::filesystem::path(SSTPLB_TEST_VECTORS) / "../../docs/probes.md");
  std::set<std::string> told;
  for (std::string line; std::getline(manual, line);) {
    const std::string cell = line.substr(0, line.find(" | "));
    if (!cell.starts_with("| `")) continue;
    for (std::size_t at = cell.find('`'); at != std::string::npos;) {
      const std::size_t end = cell.find('`', at + 1);
      told.insert(cell.substr(at + 1, end - at - 1));
      at = cell.find('`', end + 1);
    }
  }
  for (const OutcomeInfo& info : kOutcomes) {
    EXPECT_TRUE(told.contains(std::string(info.word))) << info.word;
  }
}

}  // namespace
}  // namespace sstplb::probes
