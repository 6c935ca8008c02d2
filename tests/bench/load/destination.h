// Whereto the client side connects, and with which hello: given once, the same for a whole run.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "tests/bench/load/net.h"

namespace sstplb::bench {

struct Destination {
  std::vector<SocketAddress> addresses;  // taken in turn; one for a balancer
  Bytes hello;
  std::uint64_t connections = 0;  // begun so far

  Fd ConnectNext() {
    const std::uint64_t index = connections++;
    return Connect(addresses[index % addresses.size()], index);
  }
};

}  // namespace sstplb::bench
