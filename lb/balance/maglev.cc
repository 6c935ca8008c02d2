// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/maglev.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lb/base/hash.h"

namespace sstplb::balance {
namespace {

constexpr std::uint16_t kFree = 0xffff;

std::vector<std::uint16_t> SortedByName(std::span<const Member> members) {
  std::vector<std::uint16_t> order;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].weight != 0) order.push_back(static_cast<std::uint16_t>(i));
  }
  std::sort(order.begin(), order.end(),
            [&](std::uint16_t a, std::uint16_t b) { return members[a].name < members[b].name; });
  return order;
}

// One backend on its way through its permutation.
struct Turn {
  std::uint16_t index = 0;
  std::size_t slot = 0;  // the next of its permutation
  std::size_t skip = 0;
  std::uint64_t weight = 0;
  std::uint64_t credit = 0;

  void TakeNextFree(std::vector<std::uint16_t>& table) {
    while (table[slot] != kFree) slot = (slot + skip) % table.size();
    table[slot] = index;
  }
};

std::vector<Turn> MakeTurns(std::span<const Member> members,
                            std::span<const std::uint16_t> by_name) {
  std::vector<Turn> turns;
  for (const std::uint16_t index : by_name) {
    const Member& member = members[index];
    Turn turn;
    turn.index = index;
    turn.slot = Hash64(member.name, kOffsetSeed) % Maglev::kTableSize;
    turn.skip = 1 + Hash64(member.name, kSkipSeed) % (Maglev::kTableSize - 1);
    turn.weight = member.weight;
    turns.push_back(turn);
  }
  return turns;
}

// A backend moves in a round once its weight has added up to the heaviest one's, so that the
// heaviest moves in every round, and half its weight in every second.
std::vector<std::uint16_t> Fill(std::vector<Turn> turns) {
  std::vector<std::uint16_t> table(Maglev::kTableSize, kFree);
  std::uint64_t heaviest = 0;
  for (const Turn& turn : turns) heaviest = std::max(heaviest, turn.weight);
  for (std::size_t taken = 0; taken < table.size();) {
    for (Turn& turn : turns) {
      turn.credit += turn.weight;
      if (turn.credit < heaviest) continue;
      turn.credit -= heaviest;
      turn.TakeNextFree(table);
      if (++taken == table.size()) break;
    }
  }
  return table;
}

}  // namespace

Maglev::Maglev(std::vector<Member> members)
    : Policy(std::move(members)), by_name_(SortedByName(this->members())) {
  if (!by_name_.empty()) table_ = Fill(MakeTurns(this->members(), by_name_));
}

void Maglev::Pick(const Key& key, const LoadView& loads, Candidates& out) const {
  out.Clear();
  if (table_.empty()) return;
  const std::size_t first = Slot(key.hash);
  if (loads.Usable(first)) out.Add(first);
  for (std::uint64_t attempt = 1; attempt < kTries && out.size() < by_name_.size(); ++attempt) {
    if (out.full()) break;
    const std::size_t next = Slot(Rehash(key.hash, attempt));
    if (!out.Contains(next) && loads.Usable(next)) out.Add(next);
  }
  const std::size_t from = Rehash(key.hash, kTries) % by_name_.size();
  for (std::size_t i = 0; i < by_name_.size() && !out.full(); ++i) {
    const std::size_t next = by_name_[(from + i) % by_name_.size()];
    if (!out.Contains(next) && loads.Usable(next)) out.Add(next);
  }
  if (!out.empty()) out.set_why(out[0] == first ? "hash" : "hash_next");
}

}  // namespace sstplb::balance
