// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/server_name.h"

#include <algorithm>

namespace sstplb::tls {
namespace {

constexpr std::size_t kMaxName = 253;  // 255 on the wire, less the first length and the root
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxPort = 5;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// ASCII only and without the locale, since the input is bytes.
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsLabelByte(char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_'; }

std::string_view WithoutPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return text;
  const std::string_view port = text.substr(colon + 1);
  if (port.empty() || port.size() > kMaxPort || !std::all_of(port.begin(), port.end(), IsDigit)) {
    return text;  // the colon stays, and makes the name invalid
  }
  return text.substr(0, colon);
}

std::string_view WithoutTrailingDot(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

bool IsHostName(std::string_view lower) {
  if (lower.empty() || lower.size() > kMaxName) return false;
  std::size_t begin = 0;
  bool all_digits = false;
  while (begin <= lower.size()) {
    const std::string_view label = lower.substr(begin, lower.find('.', begin) - begin);
    if (label.empty() || label.size() > kMaxLabel) return false;
    if (!std::all_of(label.begin(), label.end(), IsLabelByte)) return false;
    all_digits = std::all_of(label.begin(), label.end(), IsDigit);
    begin += label.size() + 1;
  }
  return !all_digits;
}

std::optional<std::string> LowerHostName(std::string_view text) {
  if (text.size() > kMaxName) return std::nullopt;  // before copying what a stranger sent
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), Lower);
  if (!IsHostName(name)) return std::nullopt;
  return name;
}

}  // namespace

std::optional<std::string> NormaliseServerName(std::string_view raw) {
  return LowerHostName(WithoutTrailingDot(WithoutPort(raw)));
}

std::optional<std::string> NormalisePattern(std::string_view text) {
  if (!text.starts_with("*.")) return LowerHostName(text);
  std::optional<std::string> base = LowerHostName(text.substr(2));
  // With its shortest label the whole must still be a name.
  if (!base || base->size() + 2 > kMaxName) return std::nullopt;
  base->insert(0, "*.");
  return base;
}

bool NameMap::Add(std::string_view pattern, int id) {
  const std::optional<std::string> name = NormalisePattern(pattern);
  if (!name) return false;
  if (name->front() == '*') return wildcard_.emplace(name->substr(1), id).second;
  return exact_.emplace(*name, id).second;
}

std::optional<int> NameMap::Find(std::string_view name) const {
  if (const std::optional<int> id = FindExact(name)) return id;
  return FindWildcard(name);
}

std::optional<int> NameMap::FindExact(std::string_view name) const { return Look(exact_, name); }

std::optional<int> NameMap::FindWildcard(std::string_view name) const {
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
  return Look(wildcard_, name.substr(dot));
}

std::optional<int> NameMap::Look(const Map& map, std::string_view key) {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

}  // namespace sstplb::tls
