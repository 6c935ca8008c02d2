// What makes two probes one: backends of several pools that stand at one address and are asked the
// same way get one probe and share its answer. Who asks, how often, and what many answers mean
// (rise, fall) is each backend's own. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "probes/probe.h"

namespace sstplb::probes {

// Commands are told which backend they are for, and a name without an address is no place: neither
// is shared.
bool SameQuestion(const ProbeRequest& a, const ProbeRequest& b);

// What an address may get of probes: the smallest budget that one of its askers sets, or else twice
// what their intervals ask for, with room for a change at several of them.
config::Rate BudgetOf(const std::vector<const ProbeRequest*>& questions);

}  // namespace sstplb::probes
