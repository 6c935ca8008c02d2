// Looking up the one host that a command is about.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/address.h"
#include "lb/base/loop.h"
#include "lb/base/result.h"

namespace sstplb::daemon {

// The first address of the host. Runs the loop until it is known, some seconds at most; the error
// says what to check.
Result<SocketAddress> Resolve(Loop& loop, const HostPort& target);

}  // namespace sstplb::daemon
