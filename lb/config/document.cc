// SPDX-License-Identifier: Apache-2.0
#include "lb/config/document.h"

#include <toml++/toml.h>

#include <algorithm>

#include "lb/config/nesting.h"

namespace sstplb::config {
namespace {

Position At(const toml::source_region& source) { return {source.begin.line, source.begin.column}; }

Node Convert(const toml::node& from);

void ConvertTable(const toml::table& from, Node& to) {
  to.kind = Node::Kind::kTable;
  for (const auto& [key, value] : from) {
    to.members.push_back({std::string(key.str()), At(key.source()), Convert(value)});
  }
  // The library orders a table by key.
  std::stable_sort(to.members.begin(), to.members.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
}

Node Convert(const toml::node& from) {
  Node to;
  to.at = At(from.source());
  if (const auto* table = from.as_table()) {
    ConvertTable(*table, to);
  } else if (const auto* array = from.as_array()) {
    to.kind = Node::Kind::kArray;
    for (const toml::node& item : *array) to.items.push_back(Convert(item));
  } else if (const auto* text = from.as_string()) {
    to.kind = Node::Kind::kString;
    to.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    to.kind = Node::Kind::kInteger;
    to.integer = integer->get();
  } else if (const auto* number = from.as_floating_point()) {
    to.kind = Node::Kind::kFloat;
    to.number = number->get();
  } else if (const auto* boolean = from.as_boolean()) {
    to.kind = Node::Kind::kBoolean;
    to.boolean = boolean->get();
  } else {
    to.kind = Node::Kind::kDate;
  }
  return to;
}

}  // namespace

const Node::Member* Node::Find(std::string_view key) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; });
  return found == members.end() ? nullptr : &*found;
}

std::string_view Describe(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kTable:
      return "a table";
    case Node::Kind::kArray:
      return "a list";
    case Node::Kind::kString:
      return "a string";
    case Node::Kind::kInteger:
      return "an integer";
    case Node::Kind::kFloat:
      return "a number";
    case Node::Kind::kBoolean:
      return "a boolean";
    case Node::Kind::kDate:
      return "a date";
  }
  return "something else";
}

Result<Node, Diagnostic> ParseDocument(std::string_view text, const std::string& file) {
  if (const auto deep = FindDeepKey(text)) {
    return Diagnostic{file, deep->line, deep->column, "",
                      "the key has too many parts: there is none so deep"};
  }
  try {
    return Convert(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    const Position at = At(error.source());
    std::string message(error.description());
    // What this mostly means: a word that stands there without quotes.
    if (message.find("could not determine value type") != std::string::npos) {
      message += " (text needs quotes)";
    }
    return Diagnostic{file, at.line, at.column, "", std::move(message)};
  }
}

}  // namespace sstplb::config
