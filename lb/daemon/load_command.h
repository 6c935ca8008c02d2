// `sstplb load HOST:PORT`: a load on a server, from here.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/address.h"
#include "lb/load/report.h"

namespace sstplb::daemon {

// Looks the host up, checks what this host allows, and runs the load to its end. The first SIGINT
// or SIGTERM ends it in order, with its report; the second ends the process at once. `watcher` is
// told how it goes. 0 when every tunnel came up and stayed, 1 when not, 2 when this host does not
// allow so many.
int RunLoad(const HostPort& target, load::Options options, load::Watcher& watcher);

}  // namespace sstplb::daemon
