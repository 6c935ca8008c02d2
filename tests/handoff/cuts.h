// Bodies that are shorter or longer than they should be.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "lb/base/bytes.h"

namespace sstplb::handoff {

inline constexpr std::size_t kRecordHead = 4;

// Every strict prefix, each an allocation of its own so that a sanitizer sees a byte read too far.
template <class Check>
void ForEachPrefix(const Bytes& body, Check check) {
  for (std::size_t size = 0; size < body.size(); ++size) {
    const Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    check(ByteView(cut), size);
  }
}

// `body`, one record, with another size in its head.
inline Bytes Resized(Bytes body, std::size_t size) {
  body.resize(kRecordHead + size);
  for (std::size_t i = 0; i < kRecordHead; ++i) {
    body[i] = static_cast<std::uint8_t>(size >> (8 * (kRecordHead - 1 - i)));
  }
  return body;
}

// Every sound record that has only the first bytes of the one in `body`.
template <class Check>
void ForEachShorterRecord(const Bytes& body, Check check) {
  for (std::size_t size = 0; size < body.size() - kRecordHead; ++size) {
    const Bytes cut = Resized(body, size);
    check(ByteView(cut));
  }
}

// As a later version may write it.
inline Bytes Longer(const Bytes& body) { return Resized(body, body.size() - kRecordHead + 9); }

}  // namespace sstplb::handoff
