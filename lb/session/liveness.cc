// SPDX-License-Identifier: Apache-2.0
#include "lb/session/liveness.h"

namespace sstplb::session {
namespace {

constexpr std::string_view kNames[kLivenessCount] = {"handshaking", "established", "quiet",
                                                     "one_way", "dead"};

}  // namespace

std::string_view ToString(Liveness liveness) { return kNames[static_cast<std::size_t>(liveness)]; }

std::optional<Liveness> LivenessFromString(std::string_view text) {
  for (std::size_t i = 0; i < kLivenessCount; ++i) {
    if (kNames[i] == text) return static_cast<Liveness>(i);
  }
  return std::nullopt;
}

}  // namespace sstplb::session
