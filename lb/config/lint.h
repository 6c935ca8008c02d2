// Lint: what is valid but unwise in a configuration, judged by the configuration alone.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/config/config.h"
#include "lb/config/finding.h"

namespace sstplb::config {

// Pure. In the order of the configuration. Nothing is silenced yet (finding_list.h).
Findings Lint(const Config& config);

}  // namespace sstplb::config
