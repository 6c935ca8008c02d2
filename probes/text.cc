// SPDX-License-Identifier: Apache-2.0
#include "probes/text.h"

namespace sstplb::probes {

std::string Printable(std::string_view text, std::size_t max) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  if (text.size() > max) out += "...";
  return out;
}

}  // namespace sstplb::probes
