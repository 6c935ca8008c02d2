// What the vectors do not hold: limits, leniency, and lines that must fail before the deadline
// does.
//
// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/parse.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace sstplb::proxyproto {
namespace {

Bytes V2(std::uint8_t command, std::uint8_t pair, const Bytes& body) {
  Bytes out(kV2Signature.begin(), kV2Signature.end());
  Writer writer(out);
  writer.U8(command);
  writer.U8(pair);
  writer.U16(static_cast<std::uint16_t>(body.size()));
  writer.Raw(body);
  return out;
}

Bytes Join(Bytes a, std::initializer_list<std::uint8_t> b) {
  a.insert(a.end(), b);
  return a;
}

const Bytes kV4Block = {192, 0, 2, 1, 198, 51, 100, 2, 0xc8, 0x22, 0x01, 0xbb};

TEST(ParseV1Test, Lines) {
  const struct {
    const char* line;
    Verdict verdict;
  } kTable[] = {
      {"", Verdict::kNeedMore},
      {"P", Verdict::kNeedMore},
      {"p", Verdict::kNoHeader},
      {"PROXYv", Verdict::kNoHeader},
      {"\x16\x03\x01", Verdict::kNoHeader},
      {"SSTP_DUPLEX_POST ", Verdict::kNoHeader},
      {"PROXY UNKNOWN\r\n", Verdict::kOk},
      {"PROXY UNKNOWN \r\n", Verdict::kOk},
      {"PROXY UNKNOWN anything \n at \r all\r\n", Verdict::kOk},
      {"PROXY UNKNOWN a\nb", Verdict::kNeedMore},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", Verdict::kBad},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx", Verdict::kBad},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r", Verdict::kNeedMore},
      {"PROXY \r\n", Verdict::kBad},
      {"PROXY TCP4\r\n", Verdict::kBad},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", Verdict::kBad},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\n", Verdict::kOk},
      {"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", Verdict::kBad},
      {"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Verdict::kBad},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", Verdict::kOk},
      {"PROXY TCP6 2001:db8::1 2001:db8::2%1 1 2\r\n", Verdict::kBad},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(Parse(AsBytes(row.line)).verdict, row.verdict) << row.line;
  }
}

// "groups of 4 hex digits" is all that the format knows, but a dual-stack listener of HAProxy or
// nginx names its IPv4 clients in this form; refusing it would refuse them all.
TEST(ParseV1Test, TakesTheDottedFormOfAMappedAddress) {
  const ParseResult result =
      Parse(AsBytes("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.9 1024 443\r\n"));
  ASSERT_EQ(result.verdict, Verdict::kOk);
  EXPECT_EQ(result.header.family, Family::kInet6);
  EXPECT_EQ(result.header.source->ToString(), "192.0.2.7:1024");
  EXPECT_EQ(result.header.destination->ToString(), "198.51.100.9:443");
}

TEST(ParseV1Test, ALineEndsWithin107Bytes) {
  std::string line = "PROXY UNKNOWN ";
  line.resize(kMaxV1Size - 2, 'x');
  EXPECT_EQ(Parse(AsBytes(line + "\r\n")).verdict, Verdict::kOk);
  EXPECT_EQ(Parse(AsBytes(line + "x\r")).verdict, Verdict::kBad);
  EXPECT_EQ(Parse(AsBytes(line + "x\r\n")).verdict, Verdict::kBad);
  EXPECT_EQ(Parse(AsBytes(line)).size, kMaxV1Size);
}

TEST(ParseV2Test, FaultsAreSeenAsSoonAsTheirByteIs) {
  const struct {
    const char* name;
    Bytes tail;  // after the signature
    Verdict verdict;
  } kTable[] = {
      {"version 1", {0x11}, Verdict::kBad},
      {"version 3", {0x31}, Verdict::kBad},
      {"command 2", {0x22}, Verdict::kBad},
      {"family 4", {0x21, 0x41}, Verdict::kBad},
      {"family 4, but LOCAL", {0x20, 0x41}, Verdict::kNeedMore},
      {"transport 3", {0x21, 0x13}, Verdict::kBad},
      {"IPv4 in 11 bytes", {0x21, 0x11, 0, 11}, Verdict::kBad},
      {"IPv4 in 12 bytes", {0x21, 0x11, 0, 12}, Verdict::kNeedMore},
      {"IPv6 in 35 bytes", {0x21, 0x21, 0, 35}, Verdict::kBad},
      {"a path pair in 215 bytes", {0x21, 0x31, 0, 215}, Verdict::kBad},
  };
  for (const auto& row : kTable) {
    Bytes data(kV2Signature.begin(), kV2Signature.end());
    data.insert(data.end(), row.tail.begin(), row.tail.end());
    EXPECT_EQ(Parse(data).verdict, row.verdict) << row.name;
  }
}

TEST(ParseV2Test, TooLargeIsKnownFromTheLength) {
  const Bytes data = V2(0x21, 0x11, kV4Block);
  EXPECT_EQ(Parse(data, data.size()).verdict, Verdict::kOk);
  EXPECT_EQ(Parse(data, data.size() - 1).verdict, Verdict::kTooLarge);
  EXPECT_EQ(Parse(ByteView(data).first(kV2FixedSize), data.size() - 1).verdict, Verdict::kTooLarge);
  EXPECT_EQ(Parse(ByteView(data).first(kV2FixedSize - 1), data.size() - 1).verdict,
            Verdict::kNeedMore);
}

TEST(ParseV2Test, LocalAndUnspecTakeAnyBlock) {
  const struct {
    const char* name;
    Bytes data;
    std::size_t tlvs;
  } kTable[] = {
      {"LOCAL, IPv4 too short", V2(0x20, 0x11, {1, 2, 3}), 0},
      {"LOCAL, IPv4 with addresses", V2(0x20, 0x11, kV4Block), 0},
      {"LOCAL, IPv4 and a field", V2(0x20, 0x11, Join(kV4Block, {4, 0, 1, 9})), 1},
      {"LOCAL, a family that is not", V2(0x20, 0xff, {1, 2, 3}), 0},
      {"LOCAL, fields that overrun", V2(0x20, 0x00, {4, 0, 0, 4, 1, 0}), 0},
      {"PROXY, IPv4 without transport", V2(0x21, 0x10, kV4Block), 0},
      {"PROXY, transport without family", V2(0x21, 0x01, {4, 0, 0}), 1},
  };
  for (const auto& row : kTable) {
    const ParseResult result = Parse(row.data);
    ASSERT_EQ(result.verdict, Verdict::kOk) << row.name << ": " << result.why;
    EXPECT_EQ(result.size, row.data.size()) << row.name;
    EXPECT_FALSE(result.header.source || result.header.destination) << row.name;
    EXPECT_EQ(result.header.tlvs.size(), row.tlvs) << row.name;
  }
}

TEST(ParseV2Test, TwoChecksumsAreNone) {
  const Bytes zero = Join(kV4Block, {3, 0, 4, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0});
  EXPECT_EQ(Parse(V2(0x21, 0x11, zero)).verdict, Verdict::kBad);
}

TEST(ParseV2Test, AChecksumOfALocalHeaderCounts) {
  EXPECT_EQ(Parse(V2(0x20, 0x00, {3, 0, 4, 1, 2, 3, 4})).verdict, Verdict::kBad);
}

TEST(TlvTest, FindGivesTheFirst) {
  const std::vector<Tlv> tlvs = {{1, {9}}, {2, {7}}, {2, {8}}};
  ASSERT_NE(Find(tlvs, tlv_type::kAuthority), nullptr);
  EXPECT_EQ(Find(tlvs, tlv_type::kAuthority)->value, Bytes{7});
  EXPECT_EQ(Find(tlvs, tlv_type::kSsl), nullptr);
}

}  // namespace
}  // namespace sstplb::proxyproto
