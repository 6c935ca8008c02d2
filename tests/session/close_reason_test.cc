// The table of close reasons: words that scripts and metrics hold on to.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/close_reason.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace sstplb::session {
namespace {

TEST(CloseReason, WordsAreUniqueAndFitForALabel) {
  std::set<std::string_view> words;
  for (const CloseReasonInfo& info : kCloseReasons) {
    EXPECT_TRUE(words.insert(info.word).second) << info.word;
    EXPECT_TRUE(std::ranges::all_of(info.word, [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << info.word;
    EXPECT_FALSE(info.sentence.empty());
  }
}

TEST(CloseReason, TheManualHasEveryWordWithItsSentence) {
  const auto manual =
      std::filesystem::path(SSTPLB_TEST_VECTORS) / "../../docs/life_of_a_session.md";
  std::ifstream in(manual);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  for (const CloseReasonInfo& info : kCloseReasons) {
    std::string row = "| `";
    row.append(info.word).append("` | ").append(info.sentence).append(" |");
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace sstplb::session
