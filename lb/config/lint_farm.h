// Lint of what pools have in common, and of how sessions leave a backend.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/config/config.h"
#include "lb/config/finding.h"

namespace sstplb::config {

// Appends to `out`. `pool` is one of `config`: its backends are compared with those of the pools
// before it that stand at the same address.
void LintSharedAddresses(Findings& out, const Config& config, const Pool& pool);

// Whether what ends the sessions of a backend (on_down, drain) is sure of it, and gentle.
void LintLeaving(Findings& out, const Pool& pool);

}  // namespace sstplb::config
