// JA4: its small print. The fingerprints of real clients are in hello_vectors_test.cc.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/ja4.h"

#include <gtest/gtest.h>

#include <string>

#include "lb/base/bytes.h"
#include "lb/tls/client_hello.h"

namespace sstplb::tls {
namespace {

// The first part of the fingerprint of a hello with this ALPN name.
std::string WithAlpn(std::string_view name) {
  Bytes list;
  Writer writer(list);
  writer.U8(static_cast<std::uint8_t>(name.size()));
  writer.Raw(name);
  ClientHello hello;
  hello.legacy_version = 0x0303;
  hello.alpn = AlpnList(list);
  return Ja4(hello).substr(0, 10);
}

TEST(Ja4, AlpnIsMarkedByItsEnds) {
  EXPECT_EQ(WithAlpn("h2"), "t12i0000h2");
  EXPECT_EQ(WithAlpn("http/1.1"), "t12i0000h1");
  EXPECT_EQ(WithAlpn("h"), "t12i0000hh");
  EXPECT_EQ(WithAlpn("\xab"), "t12i0000ab");
  EXPECT_EQ(WithAlpn("\xab\xcd"), "t12i0000ad");
  EXPECT_EQ(WithAlpn("0\xab"), "t12i00003b");
  EXPECT_EQ(WithAlpn("h\n"), "t12i00006a");
}

TEST(Ja4, VersionsHaveTheirNames) {
  struct Row {
    std::uint16_t version;
    const char* name;
  };
  for (const Row& row : {Row{0x0304, "13"}, Row{0x0303, "12"}, Row{0x0302, "11"}, Row{0x0301, "10"},
                         Row{0x0300, "s3"}, Row{0x0002, "s2"}, Row{0x7f1c, "00"}}) {
    ClientHello hello;
    hello.legacy_version = row.version;
    EXPECT_EQ(Ja4(hello).substr(1, 2), row.name);
  }
}

TEST(Ja4, NothingToHashIsZeros) {
  EXPECT_EQ(Ja4(ClientHello{}), "t00i000000_000000000000_000000000000");
}

TEST(Ja4, GreaseIsThePairsOfEqualBytes) {
  for (unsigned nibble = 0; nibble < 16; ++nibble) {
    EXPECT_TRUE(IsGrease(static_cast<std::uint16_t>((nibble << 12 | nibble << 4) | 0x0a0a)));
  }
  for (const unsigned other : {0x0a1au, 0x0a0bu, 0x1301u, 0u, 0xfafbu}) {
    EXPECT_FALSE(IsGrease(static_cast<std::uint16_t>(other))) << other;
  }
}

}  // namespace
}  // namespace sstplb::tls
