// Maglev: consistent hashing through a lookup table ("Maglev: A Fast and Reliable Software Network
// Load Balancer", NSDI 2016, section 3.4), with weights.
//
// Each backend has a permutation of the table's slots that depends on its name alone; in turns,
// they take their next free slot until the table is full. Equal weights get equal shares to one
// slot, and a backend that comes or goes moves little more than its own share of the clients.
//
// A pick costs one look into the table. A build costs about 65537 x ln 65537 steps whatever the
// number of backends, some milliseconds, and 128 KiB; tests/balance/maglev_test.cc holds the
// properties and the frozen placement.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lb/balance/policy.h"

namespace sstplb::balance {

class Maglev final : public Policy {
 public:
  // Prime, so that every skip walks through the whole table. A hundred slots a backend keep shares
  // within 1 %: enough for some 650 of them. Frozen.
  static constexpr std::size_t kTableSize = 65537;
  // Tries by hash before the rest of the members are gone through one by one. Frozen.
  static constexpr std::uint64_t kTries = 64;

  // Independent of the order of the members.
  explicit Maglev(std::vector<Member> members);

  // First the slot of the key; then the slot of the key hashed again with 1, 2, 3..., so that the
  // clients of a backend that cannot be used spread over all others by weight, instead of falling
  // on one neighbour. Members that kTries slots did not show come last, in the order of their names
  // from a place that the key chooses.
  void Pick(const Key& key, const LoadView& loads, Candidates& out) const override;
  std::string_view name() const override { return "consistent-hash"; }

  // Member of a slot; meaningless when there is no member with a weight. For tests and bench.
  const std::vector<std::uint16_t>& table() const { return table_; }

 private:
  std::size_t Slot(std::uint64_t hash) const { return table_[hash % kTableSize]; }

  std::vector<std::uint16_t> by_name_;  // members with a weight, sorted by name
  std::vector<std::uint16_t> table_;    // empty when by_name_ is
};

}  // namespace sstplb::balance
