// SPDX-License-Identifier: Apache-2.0
#include "lb/config/fields.h"

#include <algorithm>
#include <utility>

#include "lb/config/names.h"

namespace sstplb::config {

Fields::Fields(Complaints& complaints, const Node& table, std::string path, Position at)
    : complaints_(complaints), table_(table), path_(std::move(path)), at_(at) {}

const Node* Fields::Take(std::string_view key) {
  if (!Known(key)) known_.emplace_back(key);
  const Node::Member* member = table_.Find(key);
  return member == nullptr ? nullptr : &member->value;
}

const Node::Member* Fields::TakeTable(std::string_view key) {
  if (Take(key) == nullptr) return nullptr;
  const Node::Member* member = table_.Find(key);
  const bool good = Expect(About(key), member->value, Node::Kind::kTable, "a table");
  return good ? member : nullptr;
}

const Node* Fields::TakeTables(std::string_view key) {
  const Node* node = Take(key);
  if (node == nullptr) return nullptr;
  const std::string expected = "a list of tables, each begun by [[" + PathOf(key) + "]]";
  if (!Expect(About(key), *node, Node::Kind::kArray, expected)) return nullptr;
  bool good = true;
  for (const Node& item : node->items) {
    good = Expect(About(key), item, Node::Kind::kTable, "a table") && good;
  }
  return good ? node : nullptr;
}

Complain Fields::About(std::string_view key) { return {complaints_, PathOf(key)}; }

std::string Fields::PathOf(std::string_view key) const {
  return path_.empty() ? KeyText(key) : path_ + "." + KeyText(key);
}

void Fields::Missing(std::string_view key) { About(key)(at_, "is missing and has no default"); }

void Fields::Finish(std::string_view hint) {
  for (const Node::Member& member : table_.members) {
    if (Known(member.key)) continue;
    const std::string meant = Suggestion(member.key);
    std::string message = "unknown key";
    if (!meant.empty()) {
      message += " (did you mean \"" + meant + "\"?)";
    } else if (!hint.empty()) {
      message += " (" + std::string(hint) + ")";
    }
    About(member.key)(member.at, std::move(message));
  }
}

bool Fields::Known(std::string_view key) const {
  return std::find(known_.begin(), known_.end(), key) != known_.end();
}

std::string Fields::Suggestion(std::string_view key) const {
  constexpr std::size_t kLongest = 64;  // a key this long is no misspelling
  if (key.size() > kLongest) return {};
  // A third of the letters may be wrong.
  std::size_t best = std::max<std::size_t>(1, key.size() / 3) + 1;
  std::string meant;
  for (const std::string& known : known_) {
    const std::size_t distance = EditDistance(key, known);
    if (distance >= best) continue;
    best = distance;
    meant = known;
  }
  return meant;
}

}  // namespace sstplb::config
