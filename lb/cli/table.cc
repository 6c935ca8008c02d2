// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/table.h"

#include <algorithm>
#include <cstdint>

namespace sstplb::cli {
namespace {

std::string_view CodeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kQuiet:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31m";
  }
  return "";
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Length of the UTF-8 sequence at the front, and its code point; length 0 when it is none.
std::size_t Decode(std::string_view text, char32_t& out) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xc2 ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                           : lead < 0xf5 ? 4
                                         : 0;
  if (size == 0 || text.size() < size) return 0;
  out = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text[i])) return 0;
    out = out << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return size;
}

bool IsHarmful(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

}  // namespace

std::string Paint(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::kPlain || text.empty()) return std::string(text);
  return std::string(CodeOf(style)) + std::string(text) + "\x1b[0m";
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char32_t c = 0;
    const std::size_t size = Decode(text, c);
    if (size == 0 || IsHarmful(c)) {
      out += '?';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

std::string Table::Text(bool colour) const {
  std::vector<std::vector<Cell>> lines(1);
  for (const Column& column : columns_) lines[0].push_back({column.title, Style::kBold});
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (std::vector<Cell>& line : lines) {
    line.resize(columns_.size());
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i].text = Printable(line[i].text);
      widths[i] = std::max(widths[i], Width(line[i].text));
    }
  }
  std::string out;
  for (const std::vector<Cell>& line : lines) {
    std::string pending;  // blanks that are only written when something follows
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - Width(line[i].text), ' ');
      const bool right = columns_[i].align == Align::kRight;
      if (right) pending += padding;
      if (!line[i].text.empty()) {
        out += pending + Paint(line[i].text, line[i].style, colour);
        pending.clear();
      }
      if (!right) pending += padding;
      pending += "  ";
    }
    out += '\n';
  }
  return out;
}

}  // namespace sstplb::cli
