// `sstplb demo`: the balancer in front of an embedded farm of SSTP servers, with live tunnels.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "lb/base/address.h"

namespace sstplb::daemon {

struct DemoOptions {
  SocketAddress listen{IpAddress::V4({127, 0, 0, 1}), 0};  // port 0: any free one
  SocketAddress http{IpAddress::V4({127, 0, 0, 1}), 9180};
  std::uint32_t tunnels = 12;
  bool check = false;  // end by itself: 0 when tunnels came up over every backend
};

// Runs until Ctrl-C, or until it knows with `check`. Returns the exit code.
int RunDemo(const DemoOptions& options);

}  // namespace sstplb::daemon
