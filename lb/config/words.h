// The words of the configuration's enumerations: one table each, read by the parser, the exporter,
// the API, metrics and messages.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "lb/config/config.h"

namespace sstplb::config {

template <class E>
struct Word {
  E value;
  std::string_view text;
};

// Specialised for every enumeration of config.h in words.cc.
template <class E>
std::span<const Word<E>> Words();

template <class E>
std::string_view ToWord(E value) {
  for (const Word<E>& word : Words<E>()) {
    if (word.value == value) return word.text;
  }
  return "?";
}

template <class E>
std::optional<E> FromWord(std::string_view text) {
  for (const Word<E>& word : Words<E>()) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}

template <>
std::span<const Word<PoolOrRefuse>> Words();
template <>
std::span<const Word<Balance>> Words();
template <>
std::span<const Word<HashKey>> Words();
template <>
std::span<const Word<ProxyProtocol>> Words();
template <>
std::span<const Word<ProxyTlv>> Words();
template <>
std::span<const Word<OnDown>> Words();
template <>
std::span<const Word<OnOverload>> Words();
template <>
std::span<const Word<AdminState>> Words();
template <>
std::span<const Word<ProbeKind>> Words();
template <>
std::span<const Word<ServerKind>> Words();
template <>
std::span<const Word<ProbeDepth>> Words();
template <>
std::span<const Word<Verify>> Words();
template <>
std::span<const Word<ProbeProxyProtocol>> Words();
template <>
std::span<const Word<LogLevel>> Words();
template <>
std::span<const Word<LogFormat>> Words();

}  // namespace sstplb::config
