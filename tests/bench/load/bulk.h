// Bulk: streams that move as much as goes, one way, for some time.
//
// Every byte that is counted has arrived: the client ends its direction, and the run is over when
// the backend has answered that with its own end (download) or its count (upload).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/base/time.h"
#include "tests/bench/load/destination.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

enum class Way : std::uint8_t { kDownload, kUpload };

struct BulkRun {
  std::uint64_t bytes = 0;
  Duration took{};
};

// Opens so many streams and runs them for so long. Fails the program if a stream breaks or stalls.
BulkRun RunBulk(Poller& poller, Destination& destination, Way way, std::size_t streams,
                Duration duration);

}  // namespace sstplb::bench
