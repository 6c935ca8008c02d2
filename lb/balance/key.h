// Key: who a client is for placement. Frozen: two balancers of any version with the same
// configuration place the same client alike.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/config/config.h"

namespace sstplb::balance {

struct Key {
  std::uint64_t hash = 0;  // ClientKey()
  IpAddress source;
  TimePoint now;  // for what is remembered with a time to live
};

// XXH64, seed kClientSeed, over
//   one byte 4, the 4 bytes of an IPv4 address; or one byte 6, the first 8 bytes of an IPv6
//   address; with kSourceAndSni and a name: one byte 0, the name.
// The name comes as routing compares it: lower case, without port and trailing dot.
inline constexpr std::uint64_t kClientSeed = 0x7373'7470'6c62'0001;
std::uint64_t ClientKey(const IpAddress& source, std::optional<std::string_view> sni,
                        config::HashKey kind);

// Seeds of the other placement hashes, and the step from one to the next try; frozen as well.
inline constexpr std::uint64_t kOffsetSeed = 0x7373'7470'6c62'0002;  // over a backend's name
inline constexpr std::uint64_t kSkipSeed = 0x7373'7470'6c62'0003;    // over a backend's name
inline constexpr std::uint64_t kTieSeed = 0x7373'7470'6c62'0004;     // over a backend's name
// XXH64, seed `salt`, over the 8 bytes of `value`, lowest first.
std::uint64_t Rehash(std::uint64_t value, std::uint64_t salt);

}  // namespace sstplb::balance
