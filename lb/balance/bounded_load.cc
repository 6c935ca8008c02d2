// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/bounded_load.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sstplb::balance {
namespace {

// The loads as they are, with only those members usable that are below the bound.
class BelowBound final : public LoadView {
 public:
  BelowBound(const LoadView& loads, const LoadBound& bound) : loads_(loads), bound_(bound) {}

  std::uint32_t Active(std::size_t index) const override { return loads_.Active(index); }
  bool Usable(std::size_t index) const override { return loads_.Usable(index) && Fits(index); }
  // Of one that is usable.
  bool Fits(std::size_t index) const { return loads_.Active(index) + 1.0 <= bound_.Of(index); }

 private:
  const LoadView& loads_;
  const LoadBound& bound_;
};

std::vector<Member> CopyOf(std::span<const Member> members) {
  return {members.begin(), members.end()};
}

}  // namespace

LoadBound::LoadBound(const LoadView& loads, std::span<const Member> members, double max_load,
                     std::uint32_t floor)
    : members_(members), floor_(floor) {
  double active = 1;
  double weight = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].weight == 0 || !loads.Usable(i)) continue;
    active += loads.Active(i);
    weight += members[i].weight;
  }
  if (weight > 0) per_weight_ = max_load * active / weight;
}

double LoadBound::Of(std::size_t index) const {
  constexpr double kRounding = 1e-9;  // a product that should be 4 must not be 4.0000000000000009
  return std::max<double>(std::ceil(per_weight_ * members_[index].weight - kRounding), floor_);
}

BoundedLoad::BoundedLoad(std::unique_ptr<const Policy> inner, double max_load, std::uint32_t floor)
    : Policy(CopyOf(inner->members())),
      inner_(std::move(inner)),
      max_load_(max_load),
      floor_(floor) {}

void BoundedLoad::Pick(const Key& key, const LoadView& loads, Candidates& out) const {
  inner_->Pick(key, loads, out);
  const LoadBound bound(loads, members(), max_load_, floor_);
  const BelowBound below(loads, bound);
  // Mostly the bound changes nothing.
  if (std::ranges::all_of(out, [&](std::size_t index) { return below.Fits(index); })) return;
  const Candidates unbounded = out;
  inner_->Pick(key, below, out);
  // The others are only wanted where the bound left room.
  for (const std::size_t index : unbounded) out.Add(index);
  out.set_why(out[0] == unbounded[0] ? unbounded.why() : "max_load");
}

}  // namespace sstplb::balance
