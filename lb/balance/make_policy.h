// The policy that a pool's configuration asks for.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "lb/balance/policy.h"
#include "lb/balance/stick_table.h"
#include "lb/config/config.h"

namespace sstplb::balance {

// `max_load` is looked at for consistent-hash (0: unbounded, below 1: as 1), `table` for source-ip;
// with source-ip and no table, nothing is remembered. At most Policy::kMaxMembers members count.
std::unique_ptr<const Policy> MakePolicy(config::Balance balance, std::vector<Member> members,
                                         double max_load,
                                         std::shared_ptr<const StickTable> table = nullptr);

}  // namespace sstplb::balance
