// SPDX-License-Identifier: Apache-2.0
#include "proxyproto/crc32c.h"

#include <array>

namespace sstplb::proxyproto {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

}  // namespace

std::uint32_t Crc32c(ByteView data, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (const std::uint8_t byte : data) crc = crc >> 8 ^ kTable[(crc ^ byte) & 0xff];
  return ~crc;
}

}  // namespace sstplb::proxyproto
