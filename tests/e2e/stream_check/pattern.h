// Pattern: the bytes of a stream as a function of its seed and the position, so that both ends know
// every byte that has to arrive and none needs to keep what it sent.
//
// A stream looks like TLS application data: a record header every 16 KiB, noise in between. That
// way a balancer that reads record headers has something to read.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace stream_check {

inline constexpr std::uint64_t kRecordBody = 16384;
inline constexpr std::uint64_t kRecordSize = kRecordBody + 5;

inline std::uint64_t Mix(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

// Writes the bytes at [offset, offset + out.size()) of the stream with this seed.
inline void Fill(std::uint64_t seed, std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t at = 0;
  while (at < out.size()) {
    const std::uint64_t position = offset + at;
    const std::uint64_t word = Mix(seed ^ (position / 8));
    const std::size_t skip = position % 8;
    const std::size_t take = std::min<std::size_t>(8 - skip, out.size() - at);
    std::memcpy(out.data() + at, reinterpret_cast<const std::uint8_t*>(&word) + skip, take);
    at += take;
  }
  static constexpr std::uint8_t kHeader[5] = {0x17, 0x03, 0x03, kRecordBody >> 8U, 0x00};
  const std::uint64_t first = offset / kRecordSize * kRecordSize;
  for (std::uint64_t record = first; record < offset + out.size(); record += kRecordSize) {
    for (std::uint64_t i = 0; i < sizeof kHeader; ++i) {
      const std::uint64_t position = record + i;
      if (position >= offset && position < offset + out.size()) out[position - offset] = kHeader[i];
    }
  }
}

}  // namespace stream_check
