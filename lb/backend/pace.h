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
    std::int64_t full = full_at_.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = After(full, rate, now);
      if (!Fits(next, rate, now)) return false;
    } while (!full_at_.compare_exchange_weak(full, next, std::memory_order_relaxed));
    return true;
  }
  // Whether Take() would get one; takes none.
  bool Has(const config::Rate& rate, TimePoint now) const {
    return Fits(After(full_at_.load(std::memory_order_relaxed), rate, now), rate, now);
  }

 private:
  static std::int64_t Ticks(TimePoint now) { return now.time_since_epoch().count(); }
  // When it is full again after one token more.
  static std::int64_t After(std::int64_t full, const config::Rate& rate, TimePoint now) {
    return std::max<std::int64_t>(full, Ticks(now)) +
           static_cast<std::int64_t>(1e9 / rate.per_second);
  }
  static bool Fits(std::int64_t next, const config::Rate& rate, TimePoint now) {
    const double room = 1e9 / rate.per_second * std::max(rate.burst, 1.0);
    return next - Ticks(now) <= static_cast<std::int64_t>(room);
  }

  std::atomic<std::int64_t> full_at_{0};  // nanoseconds of Clock
};

}  // namespace sstplb::backend
