// Round robin: each backend in its turn, as often as its weight says, heavy ones interleaved with
// light ones.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lb/balance/policy.h"

namespace sstplb::balance {

class RoundRobin final : public Policy {
 public:
  // The turns of one round are laid out once. Weights that would need more turns than this are
  // scaled down to it; each member with a weight keeps at least one turn.
  static constexpr std::size_t kMaxTurns = 16384;

  explicit RoundRobin(std::vector<Member> members);

  // First whose turn it is; the turn of one that cannot be used is used up, so that all others gain
  // by it alike. The rest follow in an order that changes from turn to turn. Workers share one
  // relaxed counter.
  void Pick(const Key& key, const LoadView& loads, Candidates& out) const override;
  void Peek(const Key& key, const LoadView& loads, Candidates& out) const override;
  std::string_view name() const override { return "round-robin"; }

  const std::vector<std::uint16_t>& turns() const { return turns_; }

 private:
  template <class NextTurn>
  void PickBy(NextTurn next_turn, const LoadView& loads, Candidates& out) const;

  std::vector<std::uint16_t> turns_;  // one round
  mutable std::atomic<std::uint64_t> next_{0};
};

}  // namespace sstplb::balance
