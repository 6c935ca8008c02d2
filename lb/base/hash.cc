// SPDX-License-Identifier: Apache-2.0
#include "lb/base/hash.h"

#include <xxhash.h>

namespace sstplb {

std::uint64_t Hash64(ByteView data, std::uint64_t seed) {
  return XXH64(data.data(), data.size(), seed);
}

}  // namespace sstplb
