// Hex text as bytes, for tables of known packets.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "lb/base/bytes.h"

namespace sstplb::sstp {

// Blanks are allowed anywhere; other characters are not checked.
inline Bytes Hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace sstplb::sstp
