// The sockets of the load: IPv4 on loopback, non-blocking, small packets sent at once.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"

namespace sstplb::bench {

// Listens on 127.0.0.1, on a port that the kernel chooses. Fails the program if it cannot.
Fd Listen();

// Begins to connect, from the index-th of many addresses of 127.0.0.0/8, so that neither ports run
// out nor all clients are one source. Fails the program if it cannot.
Fd Connect(const SocketAddress& target, std::uint64_t index);

// How many bytes went out; 0 if none do at the moment, -1 with errno if none will.
std::ptrdiff_t Send(int fd, ByteView bytes);

}  // namespace sstplb::bench
