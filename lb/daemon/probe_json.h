// What a probe found as JSON: of `sstplb probe --json`, and of each backend in `sstplb check
// --json`.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lb/base/time.h"
#include "probes/probe.h"

namespace sstplb::daemon {

// Pure; the days that certificates have left are counted from `now`. Text of servers is taken as it
// is: dump with error_handler_t::replace.
nlohmann::ordered_json ReportJson(const probes::ProbeRequest& request,
                                  const probes::ProbeReport& report, WallTime now);

}  // namespace sstplb::daemon
