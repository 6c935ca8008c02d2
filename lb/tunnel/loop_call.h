// Talking to a loop's thread from outside: a call that waits for its answer, and waiting for a
// change.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>

#include "lb/base/loop.h"
#include "lb/base/time.h"

namespace sstplb::tunnel {

// Runs `task` on the loop's thread and waits for its end. The loop must be running, on another
// thread, until this returns.
inline void OnLoop(Loop& loop, const std::function<void()>& task) {
  std::promise<void> done;
  loop.Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

// Thread-safe.
class Changes {
 public:
  void Notify() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_all();
  }

  // Asks `condition` now, after every Notify(), and every 20 ms for what moves without one (counts
  // of bytes and pings). False when the time is up first. `condition` runs on the caller's thread.
  bool Await(const std::function<bool()>& condition, Duration timeout) const {
    constexpr Duration kLookAgain = std::chrono::milliseconds(20);
    const TimePoint deadline = Clock::now() + timeout;
    while (true) {
      const std::uint64_t seen = Count();
      if (condition()) return true;
      const TimePoint now = Clock::now();
      if (now >= deadline) return false;
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, std::min(deadline, now + kLookAgain),
                          [&] { return count_ != seen; });
    }
  }

 private:
  std::uint64_t Count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

}  // namespace sstplb::tunnel
