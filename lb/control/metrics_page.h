// MetricsPage: folds what workers and controller have counted into one exposition.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lb/control/api.h"
#include "lb/control/ejector.h"
#include "lb/control/probe_book.h"
#include "lb/worker/worker.h"

namespace sstplb::control {

// Prometheus text format. Pure: the reports are copies.
std::string MetricsPage(const DaemonStatus& status, const std::vector<worker::Report>& reports,
                        const std::map<ProbeBook::Key, ProbePage>& probes,
                        const EjectionCounts& ejections);

}  // namespace sstplb::control
