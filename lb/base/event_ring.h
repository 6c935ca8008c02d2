// EventRing: the last changes of state and refusals, for `sstplb events` and the dashboard.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/log.h"
#include "lb/base/time.h"

namespace sstplb {

struct Event {
  std::uint64_t sequence = 0;  // counts up from 1, never reused while the process lives
  WallTime time;
  LogLevel level = LogLevel::kInfo;
  std::string what;
  std::vector<LogField> fields;
};

// Thread-safe. Holds at most `capacity` events; older ones fall out.
class EventRing {
 public:
  explicit EventRing(std::size_t capacity) : capacity_(capacity) {}

  void Add(WallTime time, LogLevel level, std::string_view what, std::span<const LogField> fields);

  // Events with a sequence above `after`, oldest first, at most the newest `limit` of them.
  std::vector<Event> Since(std::uint64_t after, std::size_t limit) const;

  // Blocks until there is an event above `after`, the time is up or Close() was called.
  // Returns what Since() would; empty when the time is up.
  std::vector<Event> WaitSince(std::uint64_t after, std::size_t limit, Duration timeout) const;

  // Lets every waiter go, now and from here on.
  void Close();

 private:
  std::vector<Event> SinceLocked(std::uint64_t after, std::size_t limit) const;

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  mutable std::condition_variable added_;
  std::deque<Event> events_;
  std::uint64_t last_sequence_ = 0;
  bool closed_ = false;
};

}  // namespace sstplb
