// The numbers here are frozen: a change moves every client of every farm to another backend. They
// were computed by a second implementation of XXH64 and of the layout in key.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/key.h"

#include <gtest/gtest.h>

#include <string>

namespace sstplb::balance {
namespace {

using config::HashKey;

IpAddress Ip(const char* text) { return IpAddress::Parse(text).value(); }

TEST(KeyTest, FrozenBySource) {
  const struct {
    const char* source;
    std::uint64_t hash;
  } kTable[] = {
      {"0.0.0.0", 0x609a2609f6ee4426},
      {"192.0.2.1", 0x7d0822192198ce41},
      {"192.0.2.2", 0x6f7aabec234ee408},
      {"255.255.255.255", 0x08938a86c8b3511f},
      {"::", 0xe46e92b9cf9a3aa4},
      {"2001:db8::1", 0xf4f558c0a5294e92},
      {"2001:db8:0:1::1", 0x4a7c69dda2ed3edb},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(ClientKey(Ip(row.source), std::nullopt, HashKey::kSource), row.hash) << row.source;
    EXPECT_EQ(ClientKey(Ip(row.source), "any.example", HashKey::kSource), row.hash) << row.source;
    EXPECT_EQ(ClientKey(Ip(row.source), std::nullopt, HashKey::kSourceAndSni), row.hash)
        << row.source;
  }
}

TEST(KeyTest, FrozenBySourceAndName) {
  const struct {
    const char* source;
    const char* sni;
    std::uint64_t hash;
  } kTable[] = {
      {"192.0.2.1", "", 0x5e2de2adf8b07169},
      {"192.0.2.1", "vpn.example.com", 0x200bfd7e24ca4bdf},
      {"192.0.2.1", "a.example", 0x33ddce3cb74035e7},
      {"2001:db8::1", "vpn.example.com", 0x49d1f42d8dba89ff},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(ClientKey(Ip(row.source), row.sni, HashKey::kSourceAndSni), row.hash) << row.sni;
  }
}

TEST(KeyTest, AnIpv6SourceIsItsNetworkOf64Bits) {
  const auto key = [](const char* ip) { return ClientKey(Ip(ip), std::nullopt, HashKey::kSource); };
  EXPECT_EQ(key("2001:db8::1"), key("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(key("2001:db8::1"), key("2001:db8:0:1::1"));
  EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1")) << "accepted on a dual-stack listener";
}

TEST(KeyTest, AnEndlessNameIsCut) {
  const std::string name(100000, 'x');
  EXPECT_EQ(ClientKey(Ip("192.0.2.1"), name, HashKey::kSourceAndSni),
            ClientKey(Ip("192.0.2.1"), name.substr(0, 256), HashKey::kSourceAndSni));
  EXPECT_NE(ClientKey(Ip("192.0.2.1"), name, HashKey::kSourceAndSni),
            ClientKey(Ip("192.0.2.1"), name.substr(0, 255), HashKey::kSourceAndSni));
}

}  // namespace
}  // namespace sstplb::balance
