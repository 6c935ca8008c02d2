// Lint of one pool: its backends, its PROXY header and its probe.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "lb/config/config.h"
#include "lb/config/finding.h"

namespace sstplb::config {

// Appends to `out`. `config` is asked for the names that lead to the pool.
void LintPool(Findings& out, const Config& config, const Pool& pool);

// The finding proxy_protocol_unreadable at `key`, when a server of this kind cannot read a PROXY
// header. `kind` is a word of ServerKind or what was learned of one ("rras-or-softether").
std::optional<Finding> ProxyUnreadable(const std::string& key, const std::string& kind);

}  // namespace sstplb::config
