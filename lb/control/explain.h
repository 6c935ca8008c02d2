// Explain: which way a client would go, by the very plan that workers follow.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lb/control/api.h"
#include "lb/session/plan.h"

namespace sstplb::control {

// Why a backend is down, in a word: the outcome of its last probe.
using OutcomeOf = std::function<std::string(const std::string& pool, const std::string& backend)>;

// What a decision looks at beside the plan.
struct Circumstances {
  OutcomeOf outcome_of;
  std::uint32_t sessions = 0;      // of the whole balancer
  std::uint32_t max_sessions = 0;  // how many it may have; 0: not known
  TimePoint now;
};

// Sends nothing and counts nothing (only a `round-robin` pool takes its turn). Any thread.
//
// Candidates stand in the order in which the client would try them, but for those that are passed
// over: with `consistent-hash` they stand where the hash has them, else at the end.
Answer<Explanation> ExplainPlan(const session::Plan& plan, const ExplainRequest& request,
                                const Circumstances& circumstances);

}  // namespace sstplb::control
