// Ramp: a backend that has just come back gets a growing share of its clients (slow start).
//
// Which clients: those whose key, hashed with the backend's name, lies below the share. So the same
// client always belongs or does not, a growing share only adds clients and moves nobody back, and
// it works under every policy, consistent hashing included: to the clients outside of the share the
// backend is not there yet.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lb/balance/key.h"
#include "lb/base/hash.h"
#include "lb/base/time.h"

namespace sstplb::balance {

inline constexpr std::uint64_t kRampSeed = 0x7373'7470'6c62'0005;  // over a backend's name
// The first clients come at once: they show whether it works.
inline constexpr double kSmallestShare = 0.02;

// The share of its clients that a backend gets when it has been ready for `since`. 1: all.
inline double RampShare(Duration since, Duration slow_start) {
  if (since >= slow_start || slow_start <= Duration::zero()) return 1;
  return std::max(kSmallestShare, Seconds(since) / Seconds(slow_start));
}

inline bool InShare(std::uint64_t key_hash, std::string_view backend, double share) {
  if (share >= 1) return true;
  constexpr double kWhole = 18446744073709551616.0;  // 2^64
  const std::uint64_t place = Rehash(key_hash, Hash64(backend, kRampSeed));
  return static_cast<double>(place) < share * kWhole;
}

}  // namespace sstplb::balance
