// Source IP: a client goes back to the backend it was last at, for as long as the stick table
// remembers it; a new one goes where the fewest sessions are.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lb/balance/least_sessions.h"
#include "lb/balance/policy.h"
#include "lb/balance/stick_table.h"

namespace sstplb::balance {

class SourceIp final : public Policy {
 public:
  // `table` outlives policies: it belongs to the pool and is shared by all that are built for it.
  SourceIp(std::vector<Member> members, std::shared_ptr<const StickTable> table);

  // First the remembered backend if it is usable, whatever its weight; then all others as
  // LeastSessions orders them. Nothing is remembered here: the session tells the table once it is
  // connected (StickTable::Remember) and when it ends, so that a pick that fails moves nobody.
  void Pick(const Key& key, const LoadView& loads, Candidates& out) const override;
  std::string_view name() const override { return "source-ip"; }

 private:
  const std::shared_ptr<const StickTable> table_;
  const LeastSessions others_;
  std::unordered_map<std::string, std::uint16_t> by_name_;
};

}  // namespace sstplb::balance
