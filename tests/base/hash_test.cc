// Hash64 is XXH64, for ever: where a client is placed depends on it, on every machine alike.
//
// The vectors are those of the algorithm's reference implementation.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/hash.h"

#include <gtest/gtest.h>

namespace sstplb {
namespace {

constexpr std::uint64_t kPrime32 = 2654435761u;
constexpr std::uint64_t kPrime64 = 11400714785074694797u;

// The bytes that the reference implementation checks itself with.
Bytes SanityBuffer(std::size_t size) {
  Bytes out;
  std::uint64_t generator = kPrime32;
  while (out.size() < size) {
    out.push_back(static_cast<std::uint8_t>(generator >> 56));
    generator *= kPrime64;
  }
  return out;
}

TEST(Hash, TextVectors) {
  const struct {
    const char* text;
    std::uint64_t seed;
    std::uint64_t hash;
  } cases[] = {
      {"", 0, 0xef46db3751d8e999},
      {"", 1, 0xd5afba1336a3be4b},
      {"a", 0, 0xd24ec4f1a98c6e5b},
      {"abc", 0, 0x44bc2cf5ad770999},
      {"Nobody inspects the spammish repetition", 0, 0xfbcea83c8a378bf1},
  };
  for (const auto& c : cases) EXPECT_EQ(Hash64(c.text, c.seed), c.hash) << c.text;
}

TEST(Hash, SanityVectors) {
  const struct {
    std::size_t size;
    std::uint64_t seed;
    std::uint64_t hash;
  } cases[] = {
      {0, 0, 0xef46db3751d8e999},   {0, kPrime32, 0xac75fda2929b17ef},
      {1, 0, 0xe934a84adb052768},   {1, kPrime32, 0x5014607643a9b4c3},
      {14, 0, 0x8282dcc4994e35c8},  {14, kPrime32, 0xc3bd6bf63deb6df0},
      {222, 0, 0xb641ae8cb691c174}, {222, kPrime32, 0x20cb8ab7ae10c14a},
  };
  const Bytes buffer = SanityBuffer(222);
  for (const auto& c : cases) {
    EXPECT_EQ(Hash64(ByteView(buffer).first(c.size), c.seed), c.hash) << c.size;
  }
}

}  // namespace
}  // namespace sstplb
