// Values: TOML nodes to plain values and back, one pair of functions per rule.
//
// ReadValue says what is wrong and would be right, and leaves `out` alone then (of a list it keeps
// the good items). Print gives TOML text that ReadValue reads as the same value.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/config/config.h"
#include "lb/config/document.h"
#include "lb/config/rules.h"
#include "lb/config/words.h"

namespace sstplb::config {

bool ReadValue(const Complain& complain, const Node& node, const FlagRule&, bool& out);
bool ReadValue(const Complain& complain, const Node& node, const CountRule&, std::uint32_t& out);
bool ReadValue(const Complain& complain, const Node& node, const RealRule&, double& out);
bool ReadValue(const Complain& complain, const Node& node, const SpanRule&, Duration& out);
bool ReadValue(const Complain& complain, const Node& node, const SizeRule&, std::uint64_t& out);
bool ReadValue(const Complain& complain, const Node& node, const TextRule&, std::string& out);
bool ReadValue(const Complain& complain, const Node& node, const AddressRule&, SocketAddress& out);
bool ReadValue(const Complain& complain, const Node& node, const HostPortRule&, HostPort& out);
bool ReadValue(const Complain& complain, const Node& node, const IpRule&, IpAddress& out);
bool ReadValue(const Complain& complain, const Node& node, const BlockRule&, Cidr& out);
bool ReadValue(const Complain& complain, const Node& node, const OctalRule&, std::uint32_t& out);
bool ReadValue(const Complain& complain, const Node& node, const WindowRule&, DayWindow& out);
bool ReadValue(const Complain& complain, const Node& node, const RateRule& rule, Rate& out);

// "20/s burst 50", "300/m" or "60/h", without a look at its range.
std::optional<Rate> ParseRate(std::string_view text);

std::string Print(const FlagRule&, bool value);
std::string Print(const CountRule&, std::uint32_t value);
std::string Print(const RealRule&, double value);
std::string Print(const SpanRule&, Duration value);
std::string Print(const SizeRule&, std::uint64_t value);
std::string Print(const TextRule&, std::string_view value);
std::string Print(const AddressRule&, const SocketAddress& value);
std::string Print(const HostPortRule&, const HostPort& value);
std::string Print(const IpRule&, const IpAddress& value);
std::string Print(const BlockRule&, const Cidr& value);
std::string Print(const OctalRule&, std::uint32_t value);
std::string Print(const WindowRule&, const DayWindow& value);
std::string Print(const RateRule&, const Rate& value);

// A TOML basic string: quoted, with what must be escaped escaped.
std::string Quote(std::string_view text);

// False, after a complaint, when the node is of another kind.
bool Expect(const Complain& complain, const Node& node, Node::Kind kind, std::string_view expected);
// `unknown policy "rr" (one of: a, b)`.
std::string UnknownWord(std::string_view noun, std::string_view word,
                        const std::vector<std::string_view>& words);

template <class E>
bool ReadValue(const Complain& complain, const Node& node, const WordRule& rule, E& out) {
  std::vector<std::string_view> words;
  for (const Word<E>& word : Words<E>()) words.push_back(word.text);
  if (!node.is(Node::Kind::kString)) {
    const std::string example = Quote(words.front());
    return Expect(complain, node, Node::Kind::kString, "a word such as " + example);
  }
  const auto value = FromWord<E>(node.text);
  if (!value) {
    complain(node.at, UnknownWord(rule.noun, node.text, words));
    return false;
  }
  out = *value;
  return true;
}

template <class E>
std::string Print(const WordRule&, E value) {
  return Quote(ToWord(value));
}

template <class Item, class T>
bool ReadValue(const Complain& complain, const Node& node, const ListRule<Item>& rule,
               std::vector<T>& out) {
  if (!Expect(complain, node, Node::Kind::kArray, "a list")) return false;
  std::vector<T> items;
  bool good = true;
  for (const Node& from : node.items) {
    T item{};
    if (!ReadValue(complain, from, rule.item, item)) {
      good = false;
    } else if (rule.unique && std::find(items.begin(), items.end(), item) != items.end()) {
      complain(from.at, Print(rule.item, item) + " is in the list twice");
      good = false;
    } else {
      items.push_back(std::move(item));
    }
  }
  if (rule.not_empty && node.items.empty()) {
    complain(node.at, "must not be empty");
    good = false;
  }
  out = std::move(items);
  return good;
}

template <class Item, class T>
std::string Print(const ListRule<Item>& rule, const std::vector<T>& values) {
  std::string out;
  for (const T& value : values) out += (out.empty() ? "" : ", ") + Print(rule.item, value);
  return "[" + out + "]";
}

template <class Value, class T>
bool ReadValue(const Complain& complain, const Node& node, const OptionalRule<Value>& rule,
               std::optional<T>& out) {
  if (node.is(Node::Kind::kString) && node.text.empty()) {
    out.reset();
    return true;
  }
  T value{};
  if (!ReadValue(complain, node, rule.value, value)) return false;
  out = std::move(value);
  return true;
}

template <class Value, class T>
std::string Print(const OptionalRule<Value>& rule, const std::optional<T>& value) {
  return value ? Print(rule.value, *value) : Quote("");
}

}  // namespace sstplb::config
