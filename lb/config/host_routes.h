// Routes: whether this host has a way to each backend, asked of the kernel; nothing is sent.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/config/config.h"
#include "lb/config/host_facts.h"

namespace sstplb::config {

// Those backends (by address; names are not looked up) to which no datagram socket can be connected
// from any source of their pool. A source that cannot be bound tells nothing.
NoRoutes GatherNoRoutes(const Config& config);

}  // namespace sstplb::config
