// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/wish.h"

#include <algorithm>
#include <string_view>

#include "tests/dialogue/handshake.h"

namespace sstplb::bench {
namespace {

constexpr std::string_view kMagic = "sstplb wish ";
constexpr std::size_t kWishBody = 64;

}  // namespace

Bytes WishRecord(Wish wish) {
  Bytes record = dialogue::Record(kWishBody);
  const auto end =
      std::copy(kMagic.begin(), kMagic.end(), record.begin() + dialogue::kRecordHeader);
  *end = static_cast<std::uint8_t>(wish);
  return record;
}

std::optional<Wish> WishOf(ByteView record) {
  if (record.size() != dialogue::kRecordHeader + kWishBody) return std::nullopt;
  const ByteView body = record.subspan(dialogue::kRecordHeader);
  if (AsText(body.first(kMagic.size())) != kMagic) return std::nullopt;
  switch (const auto wish = static_cast<Wish>(body[kMagic.size()])) {
    case Wish::kEcho:
    case Wish::kDownload:
    case Wish::kUpload:
      return wish;
  }
  return std::nullopt;
}

Bytes CountRecord(std::uint64_t bytes) {
  Bytes record = dialogue::Record(kCountSize - dialogue::kRecordHeader);
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    record[dialogue::kRecordHeader + i] = static_cast<std::uint8_t>(bytes >> (8 * i));
  }
  return record;
}

std::uint64_t CountOf(ByteView record) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    bytes |= static_cast<std::uint64_t>(record[dialogue::kRecordHeader + i]) << (8 * i);
  }
  return bytes;
}

Bytes Answer() {
  Bytes answer = dialogue::ServerFlight();
  answer.resize(kAnswerSize);
  return answer;
}

Bytes Block() {
  Bytes block;
  const Bytes record = dialogue::Record(dialogue::kLargestBody);
  for (std::size_t i = 0; i < kBlockRecords; ++i) {
    block.insert(block.end(), record.begin(), record.end());
  }
  return block;
}

}  // namespace sstplb::bench
