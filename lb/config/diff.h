// The difference of two configurations, in the words of the configuration.
//
//   listener.vpn.idle_timeout: 15m -> 30m
//   pool.main.backend.vpn4: added (10.0.0.14:443)
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "lb/config/config.h"

namespace sstplb::config {

struct Change {
  std::string key;   // "pool.main.balance"
  std::string what;  // "source-ip -> round-robin", "added", "removed"
  // Why only a new process can take the change; "" when a running daemon can, in place.
  std::string needs_upgrade;

  std::string ToString() const { return key + ": " + what; }

  bool operator==(const Change&) const = default;
};

// Empty exactly when the two are equal. In the order of `after`; what was removed comes before what
// stands in its section.
std::vector<Change> Diff(const Config& before, const Config& after);

// `wanted`, with everything that needs an upgrade left as it is in `now`: what a running daemon
// goes over to.
Config InPlace(const Config& now, const Config& wanted);

}  // namespace sstplb::config
