// Least sessions: the backend with the fewest sessions for its weight first.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lb/balance/policy.h"

namespace sstplb::balance {

class LeastSessions final : public Policy {
 public:
  explicit LeastSessions(std::vector<Member> members);

  // Orders by (sessions + 1) / weight; among equals the key and the name decide, so that a farm
  // that has just started is not filled from its first backend on. One look at every member.
  void Pick(const Key& key, const LoadView& loads, Candidates& out) const override;
  std::string_view name() const override { return "least-sessions"; }

 private:
  std::vector<std::uint64_t> name_hashes_;
};

}  // namespace sstplb::balance
