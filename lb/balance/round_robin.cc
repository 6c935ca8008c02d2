// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/round_robin.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

namespace sstplb::balance {
namespace {

// Turns that one pick may use up before it takes anyone who can be used.
constexpr std::size_t kMaxSkips = 256;

// Weights as turns per round, in lowest terms and within kMaxTurns together.
std::vector<std::uint64_t> TurnsEach(std::span<const Member> members) {
  std::vector<std::uint64_t> each;
  std::uint64_t divisor = 0;
  for (const Member& member : members) {
    each.push_back(member.weight);
    divisor = std::gcd(divisor, std::uint64_t{member.weight});
  }
  if (divisor == 0) return each;
  for (std::uint64_t& turns : each) turns /= divisor;
  const std::uint64_t sum = std::accumulate(each.begin(), each.end(), std::uint64_t{0});
  if (sum <= RoundRobin::kMaxTurns) return each;
  for (std::uint64_t& turns : each) {
    if (turns != 0) turns = std::max<std::uint64_t>(1, turns * RoundRobin::kMaxTurns / sum);
  }
  return each;
}

// At each step everyone gains its own turns as credit, and the richest pays a whole round for the
// step: no two turns of one member are closer than they must be.
std::vector<std::uint16_t> LayOut(const std::vector<std::uint64_t>& each) {
  const auto round =
      static_cast<std::int64_t>(std::accumulate(each.begin(), each.end(), std::uint64_t{0}));
  std::vector<std::int64_t> credit(each.size(), 0);
  std::vector<std::uint16_t> turns;
  turns.reserve(static_cast<std::size_t>(round));
  for (std::int64_t step = 0; step < round; ++step) {
    std::size_t richest = 0;
    for (std::size_t i = 0; i < each.size(); ++i) {
      credit[i] += static_cast<std::int64_t>(each[i]);
      if (credit[i] > credit[richest]) richest = i;
    }
    credit[richest] -= round;
    turns.push_back(static_cast<std::uint16_t>(richest));
  }
  return turns;
}

}  // namespace

RoundRobin::RoundRobin(std::vector<Member> members)
    : Policy(std::move(members)), turns_(LayOut(TurnsEach(this->members()))) {}

void RoundRobin::Pick(const Key&, const LoadView& loads, Candidates& out) const {
  PickBy([this] { return next_.fetch_add(1, std::memory_order_relaxed); }, loads, out);
}

void RoundRobin::Peek(const Key&, const LoadView& loads, Candidates& out) const {
  std::uint64_t next = next_.load(std::memory_order_relaxed);
  PickBy([&next] { return next++; }, loads, out);
}

template <class NextTurn>
void RoundRobin::PickBy(NextTurn next_turn, const LoadView& loads, Candidates& out) const {
  out.Clear();
  if (turns_.empty()) return;
  std::uint64_t turn = 0;
  for (std::size_t i = 0; i < kMaxSkips && out.empty(); ++i) {
    turn = next_turn();
    const std::size_t index = turns_[turn % turns_.size()];
    if (loads.Usable(index)) out.Add(index);
  }
  const std::size_t count = members().size();
  const std::size_t from = Rehash(turn, kTieSeed) % count;
  for (std::size_t i = 0; i < count && !out.full(); ++i) {
    const std::size_t index = (from + i) % count;
    if (members()[index].weight != 0 && !out.Contains(index) && loads.Usable(index)) out.Add(index);
  }
  out.set_why("turn");
}

}  // namespace sstplb::balance
