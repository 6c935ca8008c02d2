// What a load needs of this host, and whether it is there: open files, local ports, source
// addresses.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/result.h"
#include "lb/load/options.h"

namespace sstplb::load {

struct HostLimits {
  std::uint64_t open_files = 0;   // of this process
  std::uint32_t local_ports = 0;  // that a connection may be made from, for each source address
};

// As the kernel tells now; what cannot be read counts as without limit.
HostLimits ReadHostLimits();

// Pure. The error names what is missing and what to raise.
Status CheckLimits(const Options& options, const HostLimits& limits);

// Whether a socket can be bound to each of the sources, and reach the server's family from it.
Status CheckSources(const Options& options);

}  // namespace sstplb::load
