// Fields: reads one table key by key, and complains about the keys that nobody asked for.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lb/config/schema.h"
#include "lb/config/values.h"

namespace sstplb::config {

// `table` must be a table node and outlive the object.
class Fields {
 public:
  // `path` is the table's own, "" for the root; `at` is where a missing key is reported.
  Fields(Complaints& complaints, const Node& table, std::string path, Position at);

  // The value of `key`, or nullptr; either way the key is a known one from here on.
  const Node* Take(std::string_view key);
  // As Take, for what must be a table (a list of tables): complains and gives nullptr otherwise.
  const Node::Member* TakeTable(std::string_view key);
  const Node* TakeTables(std::string_view key);

  // For complaints about `key`, whose path is PathOf(key).
  Complain About(std::string_view key);
  std::string PathOf(std::string_view key) const;
  void Missing(std::string_view key);
  Position at() const { return at_; }
  Complaints& complaints() { return complaints_; }

  // Complains about every key that was not taken, with the one that was probably meant. `hint` is
  // said where there is none.
  void Finish(std::string_view hint = {});

 private:
  bool Known(std::string_view key) const;
  std::string Suggestion(std::string_view key) const;

  Complaints& complaints_;
  const Node& table_;
  std::string path_;
  Position at_;
  std::vector<std::string> known_;
};

// The visitor of the schema that reads.
template <class Owner>
class ReadKeys {
 public:
  ReadKeys(Fields& fields, Owner& out) : fields_(fields), out_(out) {}

  template <class T, class Rule>
  void Key(std::string_view key, T Owner::*member, const Rule& rule) {
    const Node* node = fields_.Take(key);
    if (node != nullptr) ReadValue(fields_.About(key), *node, rule, out_.*member);
  }
  template <class T, class Rule>
  void Required(std::string_view key, T Owner::*member, const Rule& rule) {
    const Node* node = fields_.Take(key);
    if (node == nullptr) return fields_.Missing(key);
    ReadValue(fields_.About(key), *node, rule, out_.*member);
  }
  template <class T, class Keys>
  void Table(std::string_view key, T Owner::*member, Keys keys) {
    const Node::Member* table = fields_.TakeTable(key);
    if (table == nullptr) return;
    Fields inner(fields_.complaints(), table->value, fields_.PathOf(key), table->at);
    ReadKeys<T> visitor(inner, out_.*member);
    keys(visitor);
    inner.Finish();
  }
  void Source(std::string_view key) {
    const Node* node = fields_.Take(key);
    if (node == nullptr || (node->is(Node::Kind::kString) && node->text.empty())) return;
    if (node->is(Node::Kind::kString)) {
      if (node->text == "transparent") {
        out_.transparent = true;
      } else {
        fields_.About(key)(node->at, Quote(node->text) +
                                         " is not \"transparent\" or a list of addresses of this "
                                         "host, such as [\"10.0.0.5\"]");
      }
      return;
    }
    ReadValue(fields_.About(key), *node, ListRule<IpRule>{}, out_.source);
  }

 private:
  Fields& fields_;
  Owner& out_;
};

}  // namespace sstplb::config
