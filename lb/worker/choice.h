// Choice: which of a worker's sessions a drain would close first, and where they are.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/session/status.h"

namespace sstplb::worker {

struct Choice {
  std::string pool;  // "": sessions of all backends
  std::string backend;
  std::size_t count = 0;    // at most so many
  bool idle_first = false;  // the longest idle first; else the oldest
};

// One session of a backend, as far as its placement goes.
struct Placement {
  session::SessionId id = 0;
  std::size_t backend = 0;  // an index into the list that was asked about
  IpAddress client;
  std::string sni;      // "" when there was none
  TimePoint last_byte;  // either way
};

struct Candidate {
  session::SessionId id = 0;
  TimePoint since;  // of its last byte, or of its beginning: the earliest goes first
};

}  // namespace sstplb::worker
