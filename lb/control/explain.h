// Explain: which way a client would go, by the very plan that workers follow.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lb/control/api.h"
#include "lb/control/departures.h"
#include "lb/control/ejector.h"
#include "lb/session/plan.h"

namespace sstplb::control {

// Why a backend is down, in a word: the outcome of its last probe.
using OutcomeOf = std::function<std::string(const std::string& pool, const std::string& backend)>;

// What a decision looks at beside the plan.
struct Circumstances {
  OutcomeOf outcome_of;
  const Ejector* ejector = nullptr;        // null: nothing is told of ejections
  const Departures* departures = nullptr;  // null: of backends that were removed
  std::uint32_t sessions = 0;              // of the whole balancer
  std::uint32_t max_sessions = 0;          // how many it may have; 0: not known
  bool drained = false;                    // the whole balancer: listeners do not listen
  TimePoint now;
};

// A question: sends nothing, counts nothing, and the next client goes where it would have gone. The
// thread of what `circumstances` point to.
//
// Candidates stand in the order in which the client would try them, but for those that are passed
// over: with `consistent-hash` they stand where the hash has them, else at the end. What is told is
// what happens if every backend that is tried accepts.
Answer<Explanation> ExplainPlan(const session::Plan& plan, const ExplainRequest& request,
                                const Circumstances& circumstances);

}  // namespace sstplb::control
