// Document: a TOML text as a plain tree that knows where every key and value stands.
//
// The TOML library is included by document.cc alone; the readers of the sections see this tree.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/result.h"
#include "lb/config/diagnostic.h"

namespace sstplb::config {

struct Node {
  enum class Kind : std::uint8_t { kTable, kArray, kString, kInteger, kFloat, kBoolean, kDate };
  struct Member;

  Kind kind = Kind::kTable;
  Position at;
  std::string text;             // kString
  std::int64_t integer = 0;     // kInteger
  double number = 0;            // kFloat
  bool boolean = false;         // kBoolean
  std::vector<Node> items;      // kArray
  std::vector<Member> members;  // kTable, in the order of the text

  bool is(Kind k) const { return kind == k; }
  // The value of a key of this table; nullptr when there is none.
  const Member* Find(std::string_view key) const;
};

struct Node::Member {
  std::string key;
  Position at;  // of the key
  Node value;
};

// "a string", "an integer": for messages.
std::string_view Describe(Node::Kind kind);

// The root table of a TOML 1.0 text. A text that is no TOML gives the first error only, since
// what follows it cannot be trusted.
Result<Node, Diagnostic> ParseDocument(std::string_view text, const std::string& file);

}  // namespace sstplb::config
