// Timeouts: deadlines of many sessions at the price of a list node each.
//
// All links armed with the same timeout stand in one list; since every arming puts a link at the
// tail with now + timeout, the list is sorted by deadline without ever being sorted. Arming,
// disarming and expiring are O(1) each; the number of lists is the number of distinct timeouts in
// the configuration.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>

#include "lb/base/time.h"

namespace sstplb::session {

// A member of whatever has a deadline. Leaves its list when destroyed. Not movable: lists point to
// it.
class TimeoutLink {
 public:
  TimeoutLink() = default;
  TimeoutLink(const TimeoutLink&) = delete;
  TimeoutLink& operator=(const TimeoutLink&) = delete;
  ~TimeoutLink() { Unlink(); }

  bool armed() const { return next_ != nullptr; }
  TimePoint deadline() const { return deadline_; }  // only when armed
  void Unlink();

 private:
  friend class Timeouts;

  TimeoutLink* previous_ = nullptr;
  TimeoutLink* next_ = nullptr;
  TimePoint deadline_;
};

// Belongs to one thread. Must outlive the links that are armed in it.
class Timeouts {
 public:
  Timeouts() = default;
  Timeouts(const Timeouts&) = delete;
  Timeouts& operator=(const Timeouts&) = delete;

  // (Re)arms: the deadline is now + timeout. `now` must never go back.
  void Arm(TimeoutLink& link, Duration timeout, TimePoint now);

  // (Re)arms for a deadline that is not a fixed time away. The link comes up before it, a few
  // times, and at the latest a millisecond after: who finds that it is too early arms again. Costs
  // a list for each power of two, and no sorting.
  void ArmBy(TimeoutLink& link, TimePoint deadline, TimePoint now);

  // The next link whose deadline has passed, already disarmed; null when there is none.
  TimeoutLink* PopExpired(TimePoint now);

  // nullopt when nothing is armed.
  std::optional<TimePoint> Next() const;

 private:
  std::map<Duration, TimeoutLink> lists_;  // heads of circular lists
};

}  // namespace sstplb::session
