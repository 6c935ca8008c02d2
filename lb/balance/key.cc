// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/key.h"

#include <algorithm>
#include <array>

#include "lb/base/bytes.h"
#include "lb/base/hash.h"

namespace sstplb::balance {

std::uint64_t ClientKey(const IpAddress& source, std::optional<std::string_view> sni,
                        config::HashKey kind) {
  constexpr std::size_t kPrefix64 = 8;
  constexpr std::size_t kMaxName = 256;  // what is longer is no host name, and counts as cut
  std::array<std::uint8_t, 1 + kPrefix64 + 1 + kMaxName> bytes;
  std::size_t size = 0;
  const auto put = [&](ByteView part) {
    std::copy(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += part.size();
  };
  bytes[size++] = source.is_v4() ? 4 : 6;
  put(source.is_v4() ? ByteView(source.bytes()).last(4)
                     : ByteView(source.bytes()).first(kPrefix64));
  if (kind == config::HashKey::kSourceAndSni && sni) {
    bytes[size++] = 0;
    put(AsBytes(sni->substr(0, kMaxName)));
  }
  return Hash64(ByteView(bytes).first(size), kClientSeed);
}

std::uint64_t Rehash(std::uint64_t value, std::uint64_t salt) {
  std::array<std::uint8_t, 8> bytes;
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
  return Hash64(bytes, salt);
}

}  // namespace sstplb::balance
