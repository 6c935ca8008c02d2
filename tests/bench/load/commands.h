// Commands: what the script tells the client side on standard input, one line each, and what it
// answers on standard output, one line of JSON each.
//
//   connections AT_ONCE RATE SECONDS  {"count", "seconds", "first_byte_us": {...}}; RATE 0: no
//   limit open N                            {"tunnels", "seconds"}: until N tunnels for echoes are
//   there echo RATE SECONDS SIZE            {"count", "seconds", "latency_us": {...}}, over all of
//   these download STREAMS SECONDS          {"bytes", "seconds"} upload STREAMS SECONDS {"bytes",
//   "seconds"}
//
// Percentiles: {"p50", "p90", "p99", "p99.9", "max"}. What goes wrong: {"error": why}, and the end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "tests/bench/load/destination.h"

namespace sstplb::bench {

// Carries out the lines of `in` until its end. Tunnels stay open from line to line.
void RunCommands(std::istream& in, std::ostream& out, Destination& destination);

}  // namespace sstplb::bench
