// Explain: which way a client would go, by the very plan that workers follow.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "lb/control/api.h"
#include "lb/session/plan.h"

namespace sstplb::control {

// Why a backend is down, in a word: the outcome of its last probe.
using OutcomeOf = std::function<std::string(const std::string& pool, const std::string& backend)>;

// Sends nothing and counts nothing. Any thread.
Answer<Explanation> ExplainPlan(const session::Plan& plan, const ExplainRequest& request,
                                const OutcomeOf& outcome_of, TimePoint now);

}  // namespace sstplb::control
