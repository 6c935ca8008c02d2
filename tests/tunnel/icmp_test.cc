// Pings as bytes, and what must not be taken for one.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/icmp.h"

#include <gtest/gtest.h>

#include "tests/sstp/hex.h"

namespace sstplb::tunnel {
namespace {

const Bytes kPayload = {'a', 'b', 'c'};

Bytes Sample() {
  return BuildEcho(
      {false, *IpAddress::Parse("10.99.0.2"), *IpAddress::Parse("10.99.0.1"), 0x1234, 7, kPayload});
}

TEST(Icmp, BytesAreAsTheRfcHasThem) {
  const Bytes expected = sstp::Hex(
      "4500001f 00000000 4001 6616 0a630002 0a630001"  // the IPv4 header
      "0800 2162 1234 0007 616263");
  EXPECT_EQ(Sample(), expected);
}

TEST(Icmp, IsReadBack) {
  const Bytes bytes = Sample();
  const auto echo = ParseEcho(bytes);
  ASSERT_TRUE(echo);
  EXPECT_FALSE(echo->reply);
  EXPECT_EQ(echo->source.ToString(), "10.99.0.2");
  EXPECT_EQ(echo->destination.ToString(), "10.99.0.1");
  EXPECT_EQ(echo->id, 0x1234);
  EXPECT_EQ(echo->sequence, 7);
  EXPECT_EQ(Bytes(echo->payload.begin(), echo->payload.end()), kPayload);
}

TEST(Icmp, NoPrefixAndNoFlippedBitPasses) {
  const Bytes good = Sample();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseEcho(ByteView(good).first(size))) << size;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(ParseEcho(bad)) << bit;
  }
}

}  // namespace
}  // namespace sstplb::tunnel
