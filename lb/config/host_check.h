// Host check: whether this host gives a configuration what it needs.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/config/config.h"
#include "lb/config/finding.h"
#include "lb/config/host_facts.h"

namespace sstplb::config {

// Descriptors that a session holds, and those that the process keeps for everything else.
inline constexpr std::uint64_t kDescriptorsPerSession = 2;
inline constexpr std::uint64_t kDescriptorsPerWorker = 96;  // pipes, listening sockets
inline constexpr std::uint64_t kDescriptorReserve = 256;
// What the pipes of a busy worker hold together, in bytes.
inline constexpr std::uint64_t kPipeBytesPerWorker = 32 * 1024 * 1024;

// Pure. kError marks what the daemon cannot start with.
Findings CheckHost(const Config& config, const HostFacts& facts);

}  // namespace sstplb::config
