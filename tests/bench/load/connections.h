// Connections: short ones, one after the other. Each connects, sends the hello, reads the backend's
// answer up to its end, and closes.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/base/time.h"
#include "tests/bench/load/destination.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

struct ConnectionLoad {
  std::size_t at_once = 32;  // connections at the same time, at the most
  double rate = 0;           // a second; 0: the next one begins when one has ended
  std::uint64_t count = 0;   // so many in all; 0: for `duration`
  Duration duration{};
};

struct ConnectionRun {
  std::uint64_t done = 0;
  Latencies first_byte;  // from when it was due to begin until the first byte of the answer
  Duration took{};
};

// Fails the program if a connection breaks, gets another answer, or stalls.
ConnectionRun RunConnections(Poller& poller, Destination& destination, const ConnectionLoad& load);

}  // namespace sstplb::bench
