// SPDX-License-Identifier: Apache-2.0
#include "probes/rise_fall.h"

#include <gtest/gtest.h>

#include <string>

namespace sstplb::probes {
namespace {

Verdict ToVerdict(char answer) {
  switch (answer) {
    case '1':
      return Verdict::kGood;
    case 'r':
      return Verdict::kRefuses;
    case '-':
      return Verdict::kNone;
    default:
      return Verdict::kDead;
  }
}

TEST(RiseFall, Table) {
  struct Row {
    std::uint32_t rise;
    std::uint32_t fall;
    const char* answers;
    Health health;
    bool changing;
    std::uint32_t streak;
    std::uint32_t run;
  };
  const Row rows[] = {
      // rise fall answers health changing streak run
      {2, 3, "", Health::kUnknown, true, 0, 0},      {2, 3, "1", Health::kUp, false, 0, 1},
      {2, 3, "0", Health::kDown, false, 0, 1},       {2, 3, "10", Health::kUp, true, 1, 1},
      {2, 3, "100", Health::kUp, true, 2, 2},        {2, 3, "1000", Health::kDown, false, 0, 3},
      {2, 3, "1111000", Health::kDown, false, 0, 3}, {2, 3, "1001", Health::kUp, false, 0, 1},
      {2, 3, "100100", Health::kUp, true, 2, 2},     {2, 3, "10001", Health::kDown, true, 1, 1},
      {2, 3, "100010", Health::kDown, false, 0, 1},  {2, 3, "1000101", Health::kDown, true, 1, 1},
      {2, 3, "100011", Health::kUp, false, 0, 2},    {2, 3, "00000", Health::kDown, false, 0, 5},
      {1, 1, "10", Health::kDown, false, 0, 1},      {1, 1, "101", Health::kUp, false, 0, 1},
      {0, 0, "10", Health::kDown, false, 0, 1},      {1, 4, "1000", Health::kUp, true, 3, 3},
      {1, 4, "10000", Health::kDown, false, 0, 4},
  };
  for (const Row& row : rows) {
    RiseFall state(row.rise, row.fall);
    for (const char answer : std::string(row.answers)) state.Add(ToVerdict(answer));
    SCOPED_TRACE(::testing::Message()
                 << row.answers << " rise " << row.rise << " fall " << row.fall);
    EXPECT_EQ(state.health(), row.health);
    EXPECT_EQ(state.changing(), row.changing);
    EXPECT_EQ(state.streak(), row.streak);
    EXPECT_EQ(state.run(), row.run);
    EXPECT_EQ(state.History(), row.answers);
  }
}

TEST(RiseFall, KeepsTheLast64Answers) {
  RiseFall state(2, 3);
  for (int i = 0; i < 100; ++i) state.Add(Verdict::kGood);
  EXPECT_EQ(state.History(), std::string(64, '1'));
  EXPECT_EQ(state.count(), 64u);
  EXPECT_EQ(state.run(), 64u);
  for (int i = 0; i < 3; ++i) state.Add(Verdict::kDead);
  EXPECT_EQ(state.History().size(), 64u);
  EXPECT_TRUE(state.History().ends_with("11000")) << state.History();
  EXPECT_EQ(state.bits() & 0xf, 0b1000u);
  EXPECT_EQ(state.health(), Health::kDown);
}

TEST(RiseFall, NewLimitsJudgeTheNextAnswer) {
  RiseFall state(2, 5);
  for (const char answer : std::string("100")) state.Add(ToVerdict(answer));
  state.SetLimits(2, 3);
  EXPECT_EQ(state.health(), Health::kUp);
  EXPECT_EQ(state.Add(Verdict::kDead), Health::kDown);
}

// A server that is full is down for new sessions, and alive for those that it has.
TEST(RiseFall, DeadTakesAnswersThatSayIt) {
  struct Row {
    const char* answers;  // 1 good, r refuses, 0 dead, - none
    Health health;
    bool dead;
  };
  const Row rows[] = {
      {"", Health::kUnknown, false},   {"100", Health::kUp, false},
      {"1000", Health::kDown, true},   {"10000", Health::kDown, true},
      {"1rrr", Health::kDown, false},  {"1rrrrrrr", Health::kDown, false},
      {"1rr0", Health::kDown, false},  {"100r", Health::kDown, false},
      {"1rrr0", Health::kDown, false}, {"1rrr000", Health::kDown, true},
      {"1000r", Health::kDown, false}, {"1000r00", Health::kDown, false},
      {"10001", Health::kDown, false}, {"1000100", Health::kDown, false},
      {"100011", Health::kUp, false},  {"1000110", Health::kUp, false},
      {"0", Health::kDown, false},     {"00", Health::kDown, false},
      {"000", Health::kDown, true},    {"r", Health::kDown, false},
      {"10-0-0", Health::kDown, true}, {"1---", Health::kUp, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.answers);
    RiseFall state(2, 3);
    for (const char answer : std::string(row.answers)) state.Add(ToVerdict(answer));
    EXPECT_EQ(state.health(), row.health);
    EXPECT_EQ(state.dead(), row.dead);
  }
}

}  // namespace
}  // namespace sstplb::probes
