// ServerHint: what an outcome means on one kind of server, where that says more than the outcome's
// own sentence, and what to do about it. Pure; tests/probes/server_hint_test.cc is its table.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "probes/probe.h"

namespace sstplb::probes {

// "" when there is nothing to add.
std::string ServerHint(const ProbeRequest& request, const ProbeReport& report);

}  // namespace sstplb::probes
