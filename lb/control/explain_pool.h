// One pool's part of an explanation: who would be tried, in which order, and why.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "lb/control/explain.h"

namespace sstplb::control {

// Fills in what comes after the route: from `pool` and `policy` on to `refused`. `sni` is the name
// as routing compares it. Pure: see ExplainPlan().
void ExplainPool(const session::PoolPlan& pool, const IpAddress& source,
                 std::optional<std::string_view> sni, const Circumstances& circumstances,
                 Explanation& out);

}  // namespace sstplb::control
