// Choice: which of a worker's sessions a drain would close first.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "lb/base/time.h"
#include "lb/session/status.h"

namespace sstplb::worker {

struct Choice {
  std::string pool;  // "": sessions of all backends
  std::string backend;
  std::size_t count = 0;    // at most so many
  bool idle_first = false;  // the longest idle first; else the oldest
};

struct Candidate {
  session::SessionId id = 0;
  TimePoint since;  // of its last byte, or of its beginning: the earliest goes first
};

}  // namespace sstplb::worker
