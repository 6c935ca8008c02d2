// Lint of one pool: its backends, its PROXY header and its probe.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/config/config.h"
#include "lb/config/finding.h"

namespace sstplb::config {

// Appends to `out`. `config` is asked for the names that lead to the pool.
void LintPool(Findings& out, const Config& config, const Pool& pool);

}  // namespace sstplb::config
