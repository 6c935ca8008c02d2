// Decision: what the operator decided about one backend at run time, over what the file says.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lb/config/config.h"

namespace sstplb::backend {

// How a backend is emptied (docs/draining.md).
struct Drain {
  WallTime since;   // when it was decided
  WallTime begins;  // no new sessions from here on; live ones are closed as the rest says
  std::optional<WallTime> deadline;  // what is left then is closed
  std::optional<double> pace;        // sessions per second; above 0
  bool idle_first = false;           // the longest idle first; else the oldest

  bool operator==(const Drain&) const = default;
};

struct Decision {
  std::string pool;
  std::string backend;

  std::optional<config::Backend> added;  // the whole backend, when the file does not have it
  bool removed = false;                  // gone, although the file has it
  std::optional<config::AdminState> admin;
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> max_sessions;
  std::optional<Drain> drain;  // while draining, or until it begins

  bool operator==(const Decision&) const = default;
};

// A pool's sessions are moved at the operator's command (docs/rebalance.md).
struct RebalanceRun {
  std::string pool;
  double per_second = 0;  // sessions; above 0
  WallTime until;

  bool operator==(const RebalanceRun&) const = default;
};

}  // namespace sstplb::backend
