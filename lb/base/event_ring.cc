// SPDX-License-Identifier: Apache-2.0
#include "lb/base/event_ring.h"

#include <algorithm>

namespace sstplb {

void EventRing::Add(WallTime time, LogLevel level, std::string_view what,
                    std::span<const LogField> fields) {
  const std::lock_guard lock(mutex_);
  events_.push_back({++last_sequence_, time, level, std::string(what),
                     std::vector<LogField>(fields.begin(), fields.end())});
  if (events_.size() > capacity_) events_.pop_front();
  added_.notify_all();
}

std::vector<Event> EventRing::Since(std::uint64_t after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  return SinceLocked(after, limit);
}

std::vector<Event> EventRing::WaitSince(std::uint64_t after, std::size_t limit,
                                        Duration timeout) const {
  std::unique_lock lock(mutex_);
  added_.wait_for(lock, timeout, [&] { return closed_ || last_sequence_ > after; });
  return SinceLocked(after, limit);
}

std::vector<Event> EventRing::SinceLocked(std::uint64_t after, std::size_t limit) const {
  const auto first = std::find_if(events_.begin(), events_.end(),
                                  [&](const Event& e) { return e.sequence > after; });
  const auto count = static_cast<std::size_t>(events_.end() - first);
  const auto skip = static_cast<std::ptrdiff_t>(count - std::min(count, limit));
  return {first + skip, events_.end()};
}

void EventRing::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  added_.notify_all();
}

}  // namespace sstplb
