// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace sstplb::proxyproto {
namespace {

Bytes Counting(bool down) {
  Bytes bytes(32);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  if (down) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

// RFC 3720, appendix B.4, prints the CRC in the order of the wire, which is the reverse of the
// number's.
TEST(Crc32cTest, PublishedVectors) {
  const struct {
    const char* name;
    Bytes data;
    std::uint32_t crc;
  } kTable[] = {
      {"nothing", {}, 0x00000000},
      {"123456789", {'1', '2', '3', '4', '5', '6', '7', '8', '9'}, 0xe3069283},
      {"32 bytes of zeroes", Bytes(32, 0x00), 0x8a9136aa},
      {"32 bytes of ones", Bytes(32, 0xff), 0x62a8ab43},
      {"32 bytes incrementing", Counting(false), 0x46dd794e},
      {"32 bytes decrementing", Counting(true), 0x113fdb5c},
      {"an iSCSI read command",
       {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
       0xd9963a56},
  };
  for (const auto& row : kTable) EXPECT_EQ(Crc32c(row.data), row.crc) << row.name;
}

TEST(Crc32cTest, GoesOnFromAnyPoint) {
  const Bytes data = Counting(false);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    const ByteView view(data);
    EXPECT_EQ(Crc32c(view.subspan(cut), Crc32c(view.first(cut))), Crc32c(view)) << cut;
  }
}

}  // namespace
}  // namespace sstplb::proxyproto
