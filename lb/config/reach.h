// Reach: which addresses no backend can have, and which lead back to this host.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "lb/base/address.h"
#include "lb/config/config.h"
#include "lb/config/finding.h"
#include "lb/config/host_facts.h"

namespace sstplb::config {

// 127.0.0.0/8 and ::1.
bool IsLoopback(const IpAddress& ip);

// Why no server can be reached at `ip` from any host, as "is a multicast address"; "" when one can.
// A link-local IPv6 address is such, for a configuration cannot name its interface.
std::string_view NeverReachable(const IpAddress& ip);

// Appends what the file alone tells of where the backends of `pool` stand: addresses of no server,
// and listeners of `config` itself, as far as that does not depend on the host.
void LintBackendAddresses(Findings& out, const Config& config, const Pool& pool);

// Appends what the host adds: addresses that it has no way to, and its own, where a listener waits.
void CheckBackendAddresses(Findings& out, const Config& config, const HostFacts& facts);

}  // namespace sstplb::config
