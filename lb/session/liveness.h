// Liveness: whether a tunnel still breathes, by the rhythm of SSTP.
//
// Each peer asks when it has heard nothing for 60 seconds, and gives up 60 seconds later ([MS-SSTP]
// 3.1.2): so both sides of a healthy tunnel speak at least about once in `rhythm`. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lb/base/time.h"

namespace sstplb::session {

enum class Liveness : std::uint8_t {
  kHandshaking,  // TLS is not through yet
  kEstablished,
  kQuiet,   // neither side has spoken in time
  kOneWay,  // one side has, the other has not
  kDead     // neither has for so long that both must have given up
};
inline constexpr std::size_t kLivenessCount = 5;
std::string_view ToString(Liveness liveness);
std::optional<Liveness> LivenessFromString(std::string_view text);

// A quarter more than the rhythm is late, for a slow path; two and a half times is dead.
constexpr Duration LateAfter(Duration rhythm) { return rhythm + rhythm / 4; }
constexpr Duration DeadAfter(Duration rhythm) { return rhythm * 5 / 2; }

// `client` and `backend` are the times since the last byte of each. Without a rhythm (0) nobody is
// ever late.
constexpr Liveness LivenessOf(bool handshaking, Duration client, Duration backend,
                              Duration rhythm) {
  const Duration shorter = std::min(client, backend);
  if (rhythm != Duration::zero() && shorter >= DeadAfter(rhythm)) return Liveness::kDead;
  if (handshaking) return Liveness::kHandshaking;
  if (rhythm == Duration::zero()) return Liveness::kEstablished;
  if (shorter >= LateAfter(rhythm)) return Liveness::kQuiet;
  if (std::max(client, backend) >= LateAfter(rhythm)) return Liveness::kOneWay;
  return Liveness::kEstablished;
}

}  // namespace sstplb::session
