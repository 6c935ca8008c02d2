// Local ports: how many connections to each backend a configuration may want, and how many the
// host's port range allows.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lb/config/config.h"

namespace sstplb::config {

struct PortNeed {
  std::string key;           // of the backend; of the last one where several share an address
  std::string source;        // the key that lists the source addresses
  std::uint64_t wanted = 0;  // connections at once
  std::uint64_t ports = 0;   // for them
};

// A port of a source address reaches an address and port once, whichever pool wants to: backends
// at one address that are reached from the same sources are one need. Without any cap on sessions
// nothing is wanted; a pool with source = "transparent" uses its clients' ports and wants none.
// `range` is the number of local ports of one address. Pure.
std::vector<PortNeed> PortNeeds(const Config& config, std::uint64_t range);

}  // namespace sstplb::config
