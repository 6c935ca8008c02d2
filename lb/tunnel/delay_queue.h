// DelayQueue: things to do later on one loop, in the order of their time; equal times in the order
// they were added. All are forgotten when the queue goes.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "lb/base/loop.h"
#include "lb/base/time.h"

namespace sstplb::tunnel {

class DelayQueue {
 public:
  explicit DelayQueue(Loop& loop) : loop_(loop), timer_(loop.ev()) {
    timer_.set<DelayQueue, &DelayQueue::OnTimer>(this);
  }
  ~DelayQueue() { timer_.stop(); }
  DelayQueue(const DelayQueue&) = delete;
  DelayQueue& operator=(const DelayQueue&) = delete;

  // On the loop's thread. The task may add others; it must not destroy the queue.
  void After(Duration delay, std::function<void()> task) {
    tasks_.emplace(Clock::now() + delay, std::move(task));
    Arm();
  }
  void Clear() {
    tasks_.clear();
    timer_.stop();
  }
  bool empty() const { return tasks_.empty(); }

 private:
  void OnTimer(ev::timer&, int) {
    while (!tasks_.empty() && tasks_.begin()->first <= Clock::now()) {
      const std::function<void()> task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      task();
    }
    Arm();
  }
  void Arm() {
    timer_.stop();
    if (tasks_.empty()) return;
    ev_now_update(loop_.ev());  // libev counts from the time it woke at
    timer_.start(EvSeconds(tasks_.begin()->first - Clock::now()), 0);
  }

  Loop& loop_;
  ev::timer timer_;
  std::multimap<TimePoint, std::function<void()>> tasks_;
};

}  // namespace sstplb::tunnel
