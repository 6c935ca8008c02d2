// Pace: a rate that all threads share, without a lock.
//
// A token bucket as one number: the time at which it is full again (the generic cell rate
// algorithm). It begins full.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "lb/base/time.h"
#include "lb/config/config.h"

namespace sstplb::backend {

class Pace {
 public:
  // Takes one token if there is one. Any thread; their `now` may differ a little.
  bool Take(const config::Rate& rate, TimePoint now) {
    const auto at = now.time_since_epoch().count();
    const auto step = static_cast<std::int64_t>(1e9 / rate.per_second);
    const auto room = static_cast<std::int64_t>(1e9 / rate.per_second * std::max(rate.burst, 1.0));
    std::int64_t full = full_at_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::max(full, at) + step;
      if (next - at > room) return false;
    } while (!full_at_.compare_exchange_weak(full, next, std::memory_order_relaxed));
    return true;
  }

 private:
  std::atomic<std::int64_t> full_at_{0};  // nanoseconds of Clock
};

}  // namespace sstplb::backend
