// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/least_sessions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "lb/base/hash.h"

namespace sstplb::balance {
namespace {

struct Standing {
  std::size_t index = 0;
  std::uint64_t sessions = 0;  // with the new one
  std::uint64_t weight = 0;
  std::uint64_t tie = 0;

  bool Before(const Standing& other) const {
    // Neither overflows: 2^32 sessions at most, and a weight below 2^32.
    const std::uint64_t mine = sessions * other.weight;
    const std::uint64_t theirs = other.sessions * weight;
    return mine != theirs ? mine < theirs : tie < other.tie;
  }
};

// The best few of many: a sorted array that drops its worst.
class Best {
 public:
  void Offer(const Standing& standing) {
    if (size_ == places_.size() && !standing.Before(places_.back())) return;
    std::size_t at = size_ < places_.size() ? size_++ : size_ - 1;
    for (; at > 0 && standing.Before(places_[at - 1]); --at) places_[at] = places_[at - 1];
    places_[at] = standing;
  }
  const Standing* begin() const { return places_.data(); }
  const Standing* end() const { return places_.data() + size_; }

 private:
  std::array<Standing, Candidates::kCapacity> places_;
  std::size_t size_ = 0;
};

}  // namespace

LeastSessions::LeastSessions(std::vector<Member> members) : Policy(std::move(members)) {
  for (const Member& member : this->members()) {
    name_hashes_.push_back(Hash64(member.name, kTieSeed));
  }
}

void LeastSessions::Pick(const Key& key, const LoadView& loads, Candidates& out) const {
  out.Clear();
  Best best;
  for (std::size_t i = 0; i < members().size(); ++i) {
    if (members()[i].weight == 0 || !loads.Usable(i)) continue;
    Standing standing;
    standing.index = i;
    standing.sessions = std::uint64_t{1} + loads.Active(i);
    standing.weight = members()[i].weight;
    standing.tie = Rehash(key.hash, name_hashes_[i]);
    best.Offer(standing);
  }
  for (const Standing& standing : best) out.Add(standing.index);
  out.set_why("least_sessions");
}

}  // namespace sstplb::balance
