// DrainPlanner: how many sessions each drain closes now. Pure: times and counts in, counts out.
//
// A drain with a pace closes one session per interval. One with only a deadline spreads its
// sessions over the time that is left, so that the last one is closed at the deadline. What is left
// at a deadline is closed. All drains share one budget, but for what is overdue.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/time.h"

namespace sstplb::control {

// One drain at one moment.
struct DrainCount {
  std::string key;  // what the planner remembers it by, from one moment to the next
  std::uint32_t remaining = 0;
  std::optional<double> pace;    // sessions per second
  std::optional<Duration> left;  // until the deadline
};

class DrainPlanner {
 public:
  // Of one drain at once: closing must not hold up a worker for long.
  static constexpr std::uint32_t kMostAtOnce = 1000;
  // What was missed is caught up with only so far, and by one session more: a pace is also a
  // promise not to hurry.
  static constexpr Duration kBacklog = std::chrono::milliseconds(400);

  // How many to close of each, in the order of `drains`. `budget` is of all together, in sessions
  // per second. A key that is absent is forgotten. `now` never goes back.
  std::vector<std::uint32_t> Plan(TimePoint now, std::optional<double> budget,
                                  const std::vector<DrainCount>& drains);

 private:
  std::map<std::string, TimePoint> marks_;  // until when each drain's sessions are accounted for
  std::optional<TimePoint> budget_mark_;
  std::size_t first_ = 0;  // whose turn it is to be served first from the budget
};

// How long until a drain is empty by its own pace and deadline; nullopt: when its sessions end.
std::optional<Duration> EstimateDrain(std::uint32_t remaining, std::optional<double> pace,
                                      std::optional<Duration> left);

}  // namespace sstplb::control
