// CloseReason: why a session ended, from one table (close_reason.def).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sstplb::session {

enum class CloseReason : std::uint8_t {
#define CLOSE_REASON(enumerator, word, phase, sentence) enumerator,
#include "lb/session/close_reason.def"
#undef CLOSE_REASON
};

enum class ClosePhase : std::uint8_t { kRefused, kClosed };

struct CloseReasonInfo {
  std::string_view word;
  ClosePhase phase;
  std::string_view sentence;
};

inline constexpr CloseReasonInfo kCloseReasons[] = {
#define CLOSE_REASON(enumerator, word, phase, sentence) {word, ClosePhase::phase, sentence},
#include "lb/session/close_reason.def"
#undef CLOSE_REASON
};
inline constexpr std::size_t kCloseReasonCount = sizeof kCloseReasons / sizeof kCloseReasons[0];

inline const CloseReasonInfo& Info(CloseReason reason) {
  return kCloseReasons[static_cast<std::size_t>(reason)];
}
inline std::string_view ToString(CloseReason reason) { return Info(reason).word; }

}  // namespace sstplb::session
