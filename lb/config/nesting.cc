// SPDX-License-Identifier: Apache-2.0
#include "lb/config/nesting.h"

#include <algorithm>

namespace sstplb::config {
namespace {

// The size of the string that `text` begins with, quotes included (TOML 1.0, "String"). One that
// does not end takes the rest: the parser stops there, too.
std::size_t StringSize(std::string_view text) {
  const char quote = text.front();
  const bool escapes = quote == '"';
  const bool multiline = text.size() >= 3 && text[1] == quote && text[2] == quote;
  std::size_t at = multiline ? 3 : 1;
  while (at < text.size()) {
    if (escapes && text[at] == '\\') {
      at += 2;
    } else if (!multiline && text[at] == '\n') {
      return at;
    } else if (text[at] != quote) {
      ++at;
    } else if (!multiline) {
      return at + 1;
    } else if (text.substr(at).starts_with(std::string_view(text.data(), 3))) {
      // Up to two quotes may stand before the three that end it.
      at += 3;
      while (at < text.size() && text[at] == quote) ++at;
      return at;
    } else {
      ++at;
    }
  }
  return text.size();
}

// What is skipped in one step: a string, a comment or one character.
std::size_t TokenSize(std::string_view text) {
  if (text.front() == '"' || text.front() == '\'') return StringSize(text);
  if (text.front() == '#') return std::min(text.find('\n'), text.size());
  return 1;
}

Position PositionOf(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const std::size_t column = newline == before.npos ? offset : offset - newline - 1;
  return {static_cast<std::uint32_t>(lines + 1), static_cast<std::uint32_t>(column + 1)};
}

}  // namespace

std::optional<Position> FindDeepKey(std::string_view text) {
  constexpr std::string_view kEndOfKey = "\n,=[]{}";
  int dots = 0;
  for (std::size_t at = 0; at < text.size(); at += TokenSize(text.substr(at))) {
    if (kEndOfKey.find(text[at]) != kEndOfKey.npos) dots = 0;
    if (text[at] == '.' && ++dots > kMostDots) return PositionOf(text, at);
  }
  return std::nullopt;
}

}  // namespace sstplb::config
