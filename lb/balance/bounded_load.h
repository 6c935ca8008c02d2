// Bounded load: no backend far above its share, whoever the hash sends ("Consistent Hashing with
// Bounded Loads", Mirrokni, Thorup and Zadimoghaddam, 2016).
//
// Wraps another policy. With one session more than are open, a usable backend may hold
//   ceil(max_load x (sessions on usable backends + 1) x its weight / weight of usable backends)
// and never less than `floor`: among a handful of sessions a share says nothing, and a client that
// comes back while its last session is still ending should find its backend.
// Those that would go above it come after the others, in the same order: they are still better than
// nobody. Tested in tests/balance/bounded_load_test.cc.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lb/balance/policy.h"

namespace sstplb::balance {

// Sessions on one backend that are never too many, whatever the others carry.
inline constexpr std::uint32_t kLoadFloor = 8;

// The bound of each member, by what all carry at the moment of construction.
class LoadBound {
 public:
  // `members` must outlive it.
  LoadBound(const LoadView& loads, std::span<const Member> members, double max_load,
            std::uint32_t floor);

  // The most sessions that the member may hold.
  double Of(std::size_t index) const;

 private:
  const std::span<const Member> members_;
  const std::uint32_t floor_;
  double per_weight_ = 0;
};

class BoundedLoad final : public Policy {
 public:
  // `inner` must answer the same key alike when asked twice (a hash does, taking turns does not).
  // `max_load` >= 1, as a share of the mean; `floor` in sessions.
  BoundedLoad(std::unique_ptr<const Policy> inner, double max_load, std::uint32_t floor = 0);

  // Costs one look at every member and one pick of the inner policy, or two where somebody is above
  // the bound. The word is "max_load" when the bound changed who is first.
  void Pick(const Key& key, const LoadView& loads, Candidates& out) const override;
  std::string_view name() const override { return inner_->name(); }

 private:
  const std::unique_ptr<const Policy> inner_;
  const double max_load_;
  const std::uint32_t floor_;
};

}  // namespace sstplb::balance
