// What is wished arrives as it was sent, and nothing else of the dialogue passes for a wish.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/wish.h"

#include <gtest/gtest.h>

#include "tests/dialogue/handshake.h"

namespace sstplb::bench {
namespace {

TEST(Wish, ComesOutAsItWentIn) {
  for (const Wish wish : {Wish::kEcho, Wish::kDownload, Wish::kUpload}) {
    const Bytes record = WishRecord(wish);
    EXPECT_EQ(dialogue::RecordSize(record), record.size());
    EXPECT_EQ(WishOf(record), wish);
  }
}

TEST(Wish, IsNoneWhereTheWordIsUnknown) {
  Bytes record = WishRecord(Wish::kEcho);
  for (std::uint8_t& byte : record) {
    if (byte == static_cast<std::uint8_t>(Wish::kEcho)) byte = 9;
  }
  EXPECT_EQ(WishOf(record), std::nullopt);
}

TEST(Wish, IsNoOtherRecord) {
  const Bytes flight = dialogue::ClientFlight();
  for (ByteView rest(flight); !rest.empty(); rest = rest.subspan(dialogue::RecordSize(rest))) {
    EXPECT_EQ(WishOf(rest.first(dialogue::RecordSize(rest))), std::nullopt);
  }
  for (std::size_t body = 0; body < 200; ++body) {
    EXPECT_EQ(WishOf(dialogue::Record(body)), std::nullopt);
  }
}

TEST(Wish, TheCountOfAnUploadArrives) {
  for (const std::uint64_t bytes : {0ULL, 1ULL, 0x0123456789abcdefULL}) {
    const Bytes record = CountRecord(bytes);
    EXPECT_EQ(record.size(), kCountSize);
    EXPECT_EQ(CountOf(record), bytes);
  }
}

}  // namespace
}  // namespace sstplb::bench
