// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/when.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace sstplb::cli {
namespace {

class WhenTest : public ::testing::Test {
 protected:
  WhenTest() { SetZone("UTC"); }
  ~WhenTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static void SetZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  // What `text` means on the evening of 2026-11-22.
  static std::string When(const std::string& text) {
    const auto time = ParseWhen(text, *ParseWallTime("2026-11-22T20:30:15Z"));
    return time ? FormatWallTime(*time) : "-";
  }
};

TEST_F(WhenTest, Times) {
  EXPECT_EQ(When("22:00"), "2026-11-22T22:00:00.000Z");
  EXPECT_EQ(When("20:30"), "2026-11-23T20:30:00.000Z");
  EXPECT_EQ(When("00:00"), "2026-11-23T00:00:00.000Z");
  EXPECT_EQ(When("90m"), "2026-11-22T22:00:15.000Z");
  EXPECT_EQ(When("2026-12-01T06:00:00+01:00"), "2026-12-01T05:00:00.000Z");
  for (const char* bad : {"", "24:00", "12:60", "1:00", "22.00", "22:00:00", "soon", "-2h",
                          "2026-11-22", "400d", "2026-02-31T00:00:00Z"}) {
    EXPECT_EQ(When(bad), "-") << bad;
  }
}

TEST_F(WhenTest, TheWallIsOfThisHost) {
  SetZone("EST5");
  EXPECT_EQ(When("16:00"), "2026-11-22T21:00:00.000Z");
  EXPECT_EQ(When("15:00"), "2026-11-23T20:00:00.000Z");
}

TEST(Pace, Rates) {
  EXPECT_EQ(ParsePace("5/s"), 5.0);
  EXPECT_EQ(ParsePace("30/m"), 0.5);
  EXPECT_EQ(ParsePace("1800/h"), 0.5);
  for (const char* bad : {"", "5", "0/s", "-1/s", "0.01/m", "2000000/s", "5/d", "fast"}) {
    EXPECT_EQ(ParsePace(bad), std::nullopt) << bad;
    EXPECT_NE(PaceProblem(bad), "") << bad;
  }
}

}  // namespace
}  // namespace sstplb::cli
