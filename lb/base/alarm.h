// Alarm: one deadline in a poller's set.
//
// A wait without a timeout is cheaper than one with: the kernel sets no timer for it. So a thread
// that is woken thousands of times a second keeps its deadline here, where it costs a system call
// only when it moves forward (timerfd_create(2)).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "lb/base/fd.h"
#include "lb/base/poller.h"
#include "lb/base/time.h"

namespace sstplb {

// Belongs to the poller's thread.
class Alarm final : private Poller::Watcher {
 public:
  // `poller` must outlive the alarm.
  explicit Alarm(Poller& poller);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Rings at `at` or, if it was set for an earlier moment before, at that one: cheap to call in
  // every turn with whatever deadline comes next.
  void RingBy(TimePoint at);
  // Whether it rang since the last call; it is not set then.
  bool TakeRing();

 private:
  void OnReady(unsigned slot, std::uint32_t events) override;

  Fd timer_;
  std::optional<TimePoint> set_for_;
  bool rang_ = false;
};

}  // namespace sstplb
