// Table: alignment, colour, and that nothing hostile reaches the terminal.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/table.h"

#include <gtest/gtest.h>

namespace sstplb::cli {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}, {"NOTE"}});
  table.Add({{"a"}, {"1"}, {"x"}});
  table.Add({{"longer"}, {"1234567"}, {""}});
  EXPECT_EQ(table.Text(false),
            "NAME      COUNT  NOTE\n"
            "a             1  x\n"
            "longer  1234567\n");
}

TEST(TableTest, ColourDoesNotMoveColumns) {
  Table table({{"A"}, {"B"}});
  table.Add({{"up", Style::kGood}, {"x"}});
  EXPECT_EQ(table.Text(true),
            "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n"
            "\x1b[32mup\x1b[0m  x\n");
}

TEST(TableTest, CountsCodePoints) {
  Table table({{"A"}, {"B"}});
  table.Add({{"b\xc3\xbc"}, {"x"}});
  table.Add({{"abc"}, {"y"}});
  EXPECT_EQ(table.Text(false), "A    B\nb\xc3\xbc   x\nabc  y\n");
}

TEST(TableTest, AShortRowIsFilled) {
  Table table({{"A"}, {"B"}});
  table.Add({{"x"}});
  EXPECT_EQ(table.Text(false), "A  B\nx\n");
}

TEST(PrintableTest, Table) {
  const struct {
    std::string_view in;
    std::string_view out;
  } kCases[] = {
      {"vpn.example.com", "vpn.example.com"},
      {"b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "b\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"\x1b[2J", "?[2J"},      // clears a screen
      {"a\nb\tc\r", "a?b?c?"},  // makes lines of its own
      {"\x7f", "?"},            // DEL
      {"\xc2\x9b"
       "31m",
       "?31m"},  // the same as ESC [, in one character
      {"\xe2\x80\xae"
       "abc",
       "?abc"},  // turns what follows around
      {"a\xff"
       "b",
       "a?b"},             // no UTF-8
      {"\xc3", "?"},       // cut
      {"\xed\xa0", "??"},  // cut, too
      {"\xc0\xaf", "??"},  // longer than needed
      {std::string_view("\0", 1), "?"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Printable(c.in), c.out) << c.out;
}

TEST(PaintTest, OnlyWithColour) {
  EXPECT_EQ(Paint("x", Style::kBad, true), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Paint("x", Style::kBad, false), "x");
  EXPECT_EQ(Paint("x", Style::kPlain, true), "x");
  EXPECT_EQ(Paint("", Style::kBad, true), "");
}

}  // namespace
}  // namespace sstplb::cli
