// Hashing: XXH64 with an explicit seed. Placement of clients depends on it, so the function, its
// seeds and the bytes that are hashed are frozen by tests.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "lb/base/bytes.h"

namespace sstplb {

std::uint64_t Hash64(ByteView data, std::uint64_t seed);
inline std::uint64_t Hash64(std::string_view text, std::uint64_t seed) {
  return Hash64(AsBytes(text), seed);
}

}  // namespace sstplb
