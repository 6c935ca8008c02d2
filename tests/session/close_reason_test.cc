// The table of close reasons: words that scripts and metrics hold on to.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/close_reason.h"

#include <gtest/gtest.h>

#include <algorithm>
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

}  // namespace
}  // namespace sstplb::session
