// Probing a whole farm once: what every backend of a configuration answers now.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/loop.h"
#include "lb/base/time.h"
#include "lb/config/config.h"
#include "probes/probe.h"
#include "probes/report.h"

namespace sstplb::daemon {

struct FarmAnswer {
  std::string pool;
  std::string backend;
  HostPort target;                              // as configured
  std::optional<SocketAddress> address;         // absent while its name has none
  std::string lookup_error;                     // why; "" when it was not looked up to the end
  std::optional<probes::ProbeRequest> request;  // what was asked; absent without an address
  std::optional<probes::ProbeReport> report;    // absent: not asked, or no answer when time was up
};
using FarmAnswers = std::vector<FarmAnswer>;

struct FarmProbeLimits {
  Duration within = std::chrono::seconds(30);  // for everything; closing may take
                                               // probes::Probe::kMaxClosing more
  std::size_t parallel = 16;                   // look-ups and probes at once
  bool transcript = false;                     // ProbeReport::said is wanted
};

// In the order of the configuration, disabled backends too. Each is asked as its pool's probe asks,
// one of a pool without a probe by a TLS handshake; those that are asked alike at one address share
// a probe. Runs the loop, which nothing else may use meanwhile, until all is known or time is up;
// the first SIGINT or SIGTERM makes it so at once (lb/daemon/interrupts.h).
FarmAnswers ProbeFarm(Loop& loop, const config::Config& config, const FarmProbeLimits& limits);

}  // namespace sstplb::daemon
