// `sstplb check`: what is wrong with a configuration or this host, and what could be better.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lb/base/time.h"

namespace sstplb::daemon {

struct CheckRequest {
  std::string config;                     // the file
  std::vector<std::string> ignore;        // beside global.ignore_findings
  std::optional<Duration> online_within;  // probe every backend once, in this time at most
  bool json = false;                      // one JSON object, not lines
};

// Prints every error and warning (as JSON: all of them on stdout). 0, or 2 when the daemon cannot
// start like this.
int CheckConfig(const CheckRequest& request);

// Prints every finding there is, with its remedy. 0.
int ListFindings();

}  // namespace sstplb::daemon
