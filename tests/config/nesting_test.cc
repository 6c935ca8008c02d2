// SPDX-License-Identifier: Apache-2.0
#include "lb/config/nesting.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lb/config/read.h"

namespace sstplb::config {
namespace {

TEST(Nesting, CountsTheDotsOfKeysAlone) {
  struct Case {
    std::string text;
    std::uint32_t column;  // 0: nothing is found
  };
  const std::vector<Case> cases = {
      {"a.a.a.a.a.a.a.a.a = 1", 0},
      {"a.a.a.a.a.a.a.a.a.a = 1", 18},
      {"[a.a.a.a.a.a.a.a.a.a]", 19},
      {"x = { a.a.a.a.a.a.a.a.a.a = 1 }", 24},
      {"\"a\".'b'.c.\"d\".e.f.g.h.i.j = 1", 24},
      {"x = \"1.2.3.4.5.6.7.8.9.10\"", 0},
      {"x = '1.2.3.4.5.6.7.8.9.10'", 0},
      {"x = [\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\"]", 0},
      {"x = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]", 0},
      {"# ........................", 0},
      {"x = \"\\\"\" # ..............", 0},
      {"x = \"\\\\\" .a.a.a.a.a.a.a.a.a.a.a", 26},
      {"x = \"\"\"a\"b\"\"..........\"\"\"\"\"", 0},
      {"x = '''..........\\'''..........", 30},
      {"x = \"never ends ............", 0},
      {"............", 9},
      {"", 0},
      {"\"", 0},
      {"\"\\", 0},
  };
  for (const Case& c : cases) {
    const auto found = FindDeepKey(c.text);
    EXPECT_EQ(found ? found->column : 0, c.column) << c.text;
    if (found) {
      EXPECT_EQ(found->line, 1u) << c.text;
    }
  }
  EXPECT_EQ(FindDeepKey("x = 1\n\ny = \"\"\"\n\"\"\"\n..........."), (Position{5, 9}));
}

TEST(Nesting, NoTextIsTooDeepForTheReader) {
  std::string dotted = "a";
  for (int i = 0; i < 1000000; ++i) dotted += ".a";
  std::string quoted = "\"a\"";
  for (int i = 0; i < 300000; ++i) quoted += " . 'a'";
  // The deepest tables in values that the bounds allow.
  std::string tables = "a = ";
  for (int i = 0; i < 10000; ++i) tables += "{ a.a.a.a.a.a.a.a.a = ";
  std::string allowed = "a = ";
  for (int i = 0; i < 250; ++i) allowed += "{ a.a.a.a.a.a.a.a.a = ";
  allowed += "1" + std::string(250, '}');
  const std::vector<std::string> texts = {dotted + " = 1", "[" + dotted + "]", quoted + " = 1",
                                          tables, allowed};
  for (const std::string& text : texts) EXPECT_FALSE(ReadText(text, "t")) << text.substr(0, 40);
}

}  // namespace
}  // namespace sstplb::config
