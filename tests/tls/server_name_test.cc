// Server names: what is cut, what is refused, and which pattern a name falls to.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/server_name.h"

#include <gtest/gtest.h>

#include <string>

namespace sstplb::tls {
namespace {

using namespace std::string_literals;

const std::string kLabel63(63, 'a');
const std::string kName253 =
    kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'b');

TEST(ServerName, NormalForm) {
  struct Row {
    std::string raw;
    std::string normal;
  };
  const Row rows[] = {
      {"vpn.example.com", "vpn.example.com"},
      {"VPN.Example.COM", "vpn.example.com"},
      {"vpn.example.com.", "vpn.example.com"},
      {"vpn.example.com:443", "vpn.example.com"},
      {"vpn.example.com.:443", "vpn.example.com"},
      {"localhost:15443", "localhost"},
      {"a", "a"},
      {"_dmarc.host_name.example.com", "_dmarc.host_name.example.com"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"1.example", "1.example"},
      {"3com", "3com"},
      {kLabel63, kLabel63},
      {kName253, kName253},
      {kName253 + ".", kName253},
      {kName253 + ".:65535", kName253},
  };
  for (const Row& row : rows) EXPECT_EQ(NormaliseServerName(row.raw), row.normal) << row.raw;
}

TEST(ServerName, WhatIsNoHostNameHasNone) {
  const std::string rows[] = {
      "",
      ".",
      "..",
      ":443",
      ".:443",
      ".example.com",
      "a..b",
      "a.b..",
      "a.com:",
      "a.com:x",
      "a.com:443:443",
      "a.com:123456",
      "a.com:-1",
      "a.com:443.",
      "*.example.com",
      "a b",
      "a.com ",
      " a.com",
      "a.com\0"s,
      "\0a.com"s,
      "a.com\0.evil.com"s,
      "a.com\r\nX: y",
      "\x1b[31m",
      "b\xc3\xbc"
      "cher.example",
      "b\xfc"
      "cher.example",
      "a\"};",
      "a/b",
      "user@a.com",
      "192.0.2.10",
      "192.0.2.10:443",
      "10",
      "[::1]:443",
      "2001:db8::1",
      kLabel63 + "a.com",
      kName253 + "b",
      std::string(70000, 'a'),
  };
  for (const std::string& raw : rows) EXPECT_EQ(NormaliseServerName(raw), std::nullopt) << raw;
}

TEST(ServerName, Patterns) {
  for (const char* good :
       {"example.com", "*.example.com", "*.VPN.example.com", "*.test", "a_b.c"}) {
    EXPECT_TRUE(IsValidPattern(good)) << good;
  }
  for (const char* bad : {"", "*", "*.", "*.*.com", "a.*.com", "*a.com", "a*.com", "**.com",
                          "example.com.", "example.com:443", "*.example.com:443", "192.0.2.1",
                          "*.192.0.2.1", "a b", ".com", "*..com"}) {
    EXPECT_FALSE(IsValidPattern(bad)) << bad;
  }
  EXPECT_EQ(NormalisePattern("*.VPN.example.com"), "*.vpn.example.com");
  EXPECT_TRUE(IsValidPattern(kName253));
  EXPECT_FALSE(IsValidPattern("*." + kName253));
}

TEST(NameMap, ExactBeatsWildcardAndAStarIsOneLabel) {
  NameMap names;
  EXPECT_TRUE(names.empty());
  ASSERT_TRUE(names.Add("*.example.com", 1));
  ASSERT_TRUE(names.Add("VPN.example.com", 2));
  ASSERT_TRUE(names.Add("*.vpn.example.com", 3));
  ASSERT_TRUE(names.Add("example.com", 4));
  EXPECT_EQ(names.size(), 4u);

  struct Row {
    const char* name;
    std::optional<int> id;
  };
  const Row rows[] = {
      {"vpn.example.com", 2},
      {"www.example.com", 1},
      {"a.vpn.example.com", 3},
      {"example.com", 4},
      {"com", std::nullopt},
      {"a.www.example.com", std::nullopt},
      {"", std::nullopt},
      {".", std::nullopt},
      {".example.com", std::nullopt},
      {"xexample.com", std::nullopt},
      {"*.example.com", 1},
  };
  for (const Row& row : rows) EXPECT_EQ(names.Find(row.name), row.id) << row.name;
  // The last row is why only normal forms may be looked up: a star never has one.
  EXPECT_EQ(NormaliseServerName("*.example.com"), std::nullopt);
  EXPECT_EQ(names.FindWildcard("vpn.example.com"), 1);
  EXPECT_EQ(names.FindExact("www.example.com"), std::nullopt);
}

TEST(NameMap, KeepsTheFirstOfAPattern) {
  NameMap names;
  ASSERT_TRUE(names.Add("a.example", 1));
  EXPECT_FALSE(names.Add("A.example", 2));
  EXPECT_FALSE(names.Add("a.example.", 3));
  EXPECT_EQ(names.Find("a.example"), 1);
  EXPECT_EQ(names.size(), 1u);
}

}  // namespace
}  // namespace sstplb::tls
