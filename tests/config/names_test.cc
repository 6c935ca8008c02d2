// SPDX-License-Identifier: Apache-2.0
#include "lb/config/names.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sstplb::config {
namespace {

TEST(Names, WhatAPoolMayBeCalled) {
  struct Case {
    std::string_view name;
    bool valid;
  };
  const std::vector<Case> cases = {
      {"main", true},  {"vpn1", true},  {"1", true},          {"eu.west_2-b", true},
      {"", false},     {".", false},    {"..", false},        {".hidden", false},
      {"-x", false},   {"_x", false},   {"a b", false},       {"a/b", false},
      {"a\"b", false}, {"a\nb", false}, {{"a\0b", 3}, false}, {"caf\xc3\xa9", false},
  };
  for (const Case& c : cases) EXPECT_EQ(!NameProblem(c.name), c.valid) << c.name;
  EXPECT_FALSE(NameProblem(std::string(64, 'a')));
  EXPECT_TRUE(NameProblem(std::string(65, 'a')));
}

TEST(Names, WhatAServerNameMayBe) {
  struct Case {
    std::string_view name;
    bool exact;
    bool wildcard;
  };
  const std::vector<Case> cases = {
      // name                        exact  as a route's pattern
      {"vpn.example.com", true, true},
      {"localhost", true, true},
      {"xn--mnchen-3ya.de", true, true},
      {"a_b.example.com", true, true},
      {"192.0.2.7", true, true},
      {"*.example.com", false, true},
      {"*", false, false},
      {"*.", false, false},
      {"**.example.com", false, false},
      {"*.*.example.com", false, false},
      {"vpn*.example.com", false, false},
      {"vpn.*.com", false, false},
      {"vpn.example.com.", false, false},
      {"vpn.example.com:443", false, false},
      {"[2001:db8::1]", false, false},
      {"vpn..example.com", false, false},
      {".example.com", false, false},
      {"-vpn.example.com", false, false},
      {"vpn-.example.com", false, false},
      {"vpn example.com", false, false},
      {"m\xc3\xbcnchen.de", false, false},
      {"", false, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(!ServerNameProblem(c.name, false), c.exact) << c.name;
    EXPECT_EQ(!ServerNameProblem(c.name, true), c.wildcard) << c.name;
  }
  std::string label(63, 'a');
  EXPECT_FALSE(ServerNameProblem(label, true));
  label += 'a';
  EXPECT_TRUE(ServerNameProblem(label, true));
  std::string longest;
  while (longest.size() < 252) longest += "a.";
  longest += 'a';
  EXPECT_FALSE(ServerNameProblem(longest, true));
  longest += 'a';
  EXPECT_TRUE(ServerNameProblem(longest, true));
}

TEST(Names, EditDistanceCountsLettersAndSwaps) {
  struct Case {
    std::string_view a, b;
    std::size_t distance;
  };
  const Case cases[] = {
      {"", "", 0},
      {"", "abc", 3},
      {"abc", "", 3},
      {"abc", "abc", 0},
      {"abc", "abd", 1},
      {"abc", "ab", 1},
      {"abc", "abcd", 1},
      {"abc", "acb", 1},
      {"balacne", "balance", 1},
      {"kitten", "sitting", 3},
  };
  for (const Case& c : cases) EXPECT_EQ(EditDistance(c.a, c.b), c.distance) << c.a << " " << c.b;
}

TEST(Names, KeysAreQuotedOnlyWhereTomlNeedsIt) {
  EXPECT_EQ(KeyText("main"), "main");
  EXPECT_EQ(KeyText("eu-west_1"), "eu-west_1");
  EXPECT_EQ(KeyText("eu.west"), "\"eu.west\"");
  EXPECT_EQ(KeyText("a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(KeyText(""), "\"\"");
}

}  // namespace
}  // namespace sstplb::config
