// SPDX-License-Identifier: Apache-2.0
#include "lb/config/names.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sstplb::config {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestServerName = 253;  // RFC 1035, section 2.3.4, as text
constexpr std::size_t kLongestLabel = 63;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsNameChar(char c) { return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-'; }

// The underscore is no host name's letter, but names in use have it.
bool IsLabelChar(char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; }

std::optional<std::string> LabelsProblem(std::string_view name) {
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty()) return "has an empty label";
    if (label.size() > kLongestLabel) return "has a label of more than 63 letters";
    if (label.front() == '-' || label.back() == '-') return "has a label with a hyphen at its end";
    if (!std::all_of(label.begin(), label.end(), IsLabelChar)) return "is not a host name";
    if (label.size() == name.size()) return std::nullopt;
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace

std::optional<std::string> NameProblem(std::string_view name) {
  const bool valid = !name.empty() && name.size() <= kLongestName && IsAlphanumeric(name.front()) &&
                     std::all_of(name.begin(), name.end(), IsNameChar);
  if (valid) return std::nullopt;
  return "a name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit";
}

std::optional<std::string> ServerNameProblem(std::string_view name, bool wildcard) {
  if (name.empty()) return "is empty";
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (!std::all_of(name.begin(), name.end(), is_ascii)) {
    return "is not ASCII: write the name as clients send it, in its xn-- form";
  }
  if (name.back() == '.') return "ends in a dot: leave it out, it is cut from what clients send";
  if (name.find(':') != std::string_view::npos) {
    return "holds a port: leave it out, it is cut from what clients send";
  }
  if (name.size() > kLongestServerName) return "has more than 253 letters";
  if (name.find('*') != std::string_view::npos) {
    if (!wildcard) return "must be one exact name";
    if (name == "*") {
      return "would match every name: that is the listener's pool and unknown_sni = \"pool\"";
    }
    if (!name.starts_with("*.")) return "may have its * only as the whole first label";
    name.remove_prefix(2);
    if (name.find('*') != std::string_view::npos) {
      return "may have its * only as the whole first label";
    }
  }
  return LabelsProblem(name);
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string KeyText(std::string_view name) {
  const auto bare = [](char c) { return IsAlphanumeric(c) || c == '_' || c == '-'; };
  if (!name.empty() && std::all_of(name.begin(), name.end(), bare)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' ? '?' : c;
  }
  return quoted + '"';
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: the swap of neighbours looks two rows back.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

}  // namespace sstplb::config
