// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/encode.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxyproto/parse.h"

namespace sstplb::proxyproto {
namespace {

SocketAddress At(std::string_view text) { return SocketAddress::Parse(text).value(); }

const SocketAddress kClient4 = At("192.0.2.1:51234");
const SocketAddress kServer4 = At("198.51.100.2:443");
const SocketAddress kClient6 = At("[2001:db8::1]:51234");
const SocketAddress kServer6 = At("[2001:db8::2]:443");

std::string V1(const SocketAddress& source, const SocketAddress& destination) {
  Bytes out;
  EncodeV1(source, destination, out);
  return std::string(AsText(out));
}

TEST(EncodeV1Test, Lines) {
  const struct {
    const char* source;
    const char* destination;
    const char* line;
  } kTable[] = {
      {"192.0.2.1:51234", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 51234 443\r\n"},
      {"[2001:db8::1]:0", "[::1]:65535", "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"},
      {"192.0.2.1:1", "[2001:db8::2]:2", "PROXY TCP6 0:0:0:0:0:ffff:c000:201 2001:db8::2 1 2\r\n"},
      {"[2001:db8::1]:1", "192.0.2.1:2", "PROXY TCP6 2001:db8::1 0:0:0:0:0:ffff:c000:201 1 2\r\n"},
      {"[::1.2.3.4]:1", "[::]:2", "PROXY TCP6 0:0:0:0:0:0:102:304 :: 1 2\r\n"},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(V1(At(row.source), At(row.destination)), row.line);
  }
}

TEST(EncodeV1Test, LongestFits) {
  const auto longest = At("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  EXPECT_LE(V1(longest, longest).size(), kMaxV1Size);
}

TEST(EncodeV2Test, OnTheWire) {
  Bytes out = {0xaa};
  const TlvView fields[] = {{tlv_type::kAuthority, AsBytes("ab")}};
  EncodeV2(kClient4, kServer4, fields, out);
  const Bytes expected = {0xaa,                                         // untouched
                          0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,     //
                          0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11,     //
                          0x00, 0x11,                                   // 12 + 5
                          192,  0,    2,    1,    198,  51,   100,  2,  //
                          0xc8, 0x22, 0x01, 0xbb, 0x02, 0x00, 0x02, 'a', 'b'};
  EXPECT_EQ(out, expected);
}

TEST(EncodeV2Test, LocalIsSixteenBytes) {
  Bytes out;
  EncodeV2Local(out);
  ASSERT_EQ(out.size(), kV2FixedSize);
  const ParseResult result = Parse(out);
  ASSERT_EQ(result.verdict, Verdict::kOk);
  EXPECT_EQ(result.header, Header{});
}

TEST(EncodeTest, WhatIsWrittenIsRead) {
  const std::vector<TlvView> kAll = {{tlv_type::kAuthority, AsBytes("vpn.example.com")},
                                     {tlv_type::kUniqueId, AsBytes("7f3a01")},
                                     {tlv_type::kCrc32c, {}},
                                     {tlv_type::kAlpn, AsBytes("http/1.1")}};
  const SocketAddress ends[] = {kClient4, kServer4, kClient6, kServer6};
  for (const auto& source : ends) {
    for (const auto& destination : ends) {
      SCOPED_TRACE(source.ToString() + " to " + destination.ToString());
      const bool v4 = source.ip.is_v4() && destination.ip.is_v4();
      Header expected;
      expected.command = Command::kProxy;
      expected.family = v4 ? Family::kInet : Family::kInet6;
      expected.transport = Transport::kStream;
      expected.source = source;
      expected.destination = destination;

      expected.version = Version::kV1;
      const std::string line = V1(source, destination);
      EXPECT_EQ(Parse(AsBytes(line)).header, expected);

      expected.version = Version::kV2;
      Bytes plain;
      EncodeV2(source, destination, {}, plain);
      EXPECT_EQ(Parse(plain).header, expected);

      Bytes full;
      EncodeV2(source, destination, kAll, full);
      const ParseResult result = Parse(full);
      ASSERT_EQ(result.verdict, Verdict::kOk) << result.why;
      EXPECT_EQ(result.size, full.size());
      EXPECT_TRUE(result.header.checksummed);
      ASSERT_EQ(result.header.tlvs.size(), kAll.size());
      for (std::size_t i = 0; i < kAll.size(); ++i) {
        EXPECT_EQ(result.header.tlvs[i].type, kAll[i].type);
        if (kAll[i].type == tlv_type::kCrc32c) continue;
        EXPECT_EQ(AsText(result.header.tlvs[i].value), AsText(kAll[i].value));
      }
    }
  }
}

TEST(EncodeV2Test, OversizedFieldsStayOut) {
  const std::string text(kMaxEncodedSize, 'x');
  const std::string_view view(text);
  const struct {
    const char* name;
    std::uint8_t type;
    std::size_t size;
    bool sent;
  } kTable[] = {
      {"authority at its bound", tlv_type::kAuthority, kMaxAuthority, true},
      {"authority over it", tlv_type::kAuthority, kMaxAuthority + 1, false},
      {"alpn at its bound", tlv_type::kAlpn, kMaxAlpn, true},
      {"alpn over it", tlv_type::kAlpn, kMaxAlpn + 1, false},
      {"unique-id at its bound", tlv_type::kUniqueId, kMaxUniqueId, true},
      {"unique-id over it", tlv_type::kUniqueId, kMaxUniqueId + 1, false},
      {"another that fills the header", 0xe0, kMaxEncodedSize - 28 - 3, true},
      {"another that overfills it", 0xe0, kMaxEncodedSize - 28 - 2, false},
  };
  for (const auto& row : kTable) {
    Bytes out;
    const TlvView fields[] = {{row.type, AsBytes(view.substr(0, row.size))}, {tlv_type::kNoop, {}}};
    EncodeV2(kClient4, kServer4, fields, out);
    const ParseResult result = Parse(out);
    ASSERT_EQ(result.verdict, Verdict::kOk) << row.name;
    EXPECT_EQ(Find(result.header.tlvs, row.type) != nullptr, row.sent) << row.name;
    EXPECT_LE(out.size(), kMaxEncodedSize) << row.name;
  }
}

TEST(EncodeV2Test, OneChecksumOnly) {
  const TlvView fields[] = {{tlv_type::kCrc32c, {}}, {tlv_type::kCrc32c, AsBytes("zz")}};
  Bytes out;
  EncodeV2(kClient6, kServer6, fields, out);
  const ParseResult result = Parse(out);
  ASSERT_EQ(result.verdict, Verdict::kOk) << result.why;
  EXPECT_EQ(result.header.tlvs.size(), 1u);
}

}  // namespace
}  // namespace sstplb::proxyproto
