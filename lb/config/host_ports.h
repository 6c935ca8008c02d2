// Local ports: how many connections to each backend a configuration may want, and how many the
// host's port range allows.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lb/config/config.h"

namespace sstplb::config {

struct PortNeed {
  std::string key;           // of the backend; of the last one where several share an address
  std::string source;        // the key that lists the source addresses
  std::uint64_t wanted = 0;  // connections at once
  bool one_down = false;     // so many once another backend of a pool is down
  std::uint64_t ports = 0;   // for them
};

// A port of a source address reaches an address and port once, whichever pool wants to: backends
// at one address that are reached from the same sources are one need. Without any cap on sessions
// nothing is wanted; a pool with source = "transparent" uses its clients' ports and wants none.
// Where only the global cap bounds a pool of several backends, one of them is thought away: the
// others get its sessions.
// `range` is the number of local ports of one address. Pure.
std::vector<PortNeed> PortNeeds(const Config& config, std::uint64_t range);

// Of the ports from `first` to `last`, how many "8080,9148,30000-30099" (the form of
// net.ipv4.ip_local_reserved_ports) leaves. Pure.
std::uint64_t UnreservedPorts(std::uint64_t first, std::uint64_t last, std::string_view reserved);

}  // namespace sstplb::config
