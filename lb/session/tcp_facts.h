// TcpFacts: what the kernel knows of one leg (TCP_INFO).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/time.h"

namespace sstplb::session {

struct TcpFacts {
  Duration rtt{};                 // smoothed
  std::uint32_t retransmits = 0;  // segments, over the life of the connection
};

// One system call. All zero when `fd` is no connected TCP socket.
TcpFacts TcpFactsOf(int fd);

}  // namespace sstplb::session
