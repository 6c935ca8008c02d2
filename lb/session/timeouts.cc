// SPDX-License-Identifier: Apache-2.0
#include "lb/session/timeouts.h"

#include <algorithm>
#include <bit>

namespace sstplb::session {

void TimeoutLink::Unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

void Timeouts::Arm(TimeoutLink& link, Duration timeout, TimePoint now) {
  link.Unlink();
  TimeoutLink& head = lists_[timeout];
  if (head.next_ == nullptr) head.next_ = head.previous_ = &head;
  link.deadline_ = now + timeout;
  link.previous_ = head.previous_;
  link.next_ = &head;
  head.previous_->next_ = &link;
  head.previous_ = &link;
}

void Timeouts::ArmBy(TimeoutLink& link, TimePoint deadline, TimePoint now) {
  const auto left = std::chrono::floor<std::chrono::milliseconds>(deadline - now).count();
  const auto step = std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(left, 1)));
  Arm(link, std::chrono::milliseconds(step), now);
}

TimeoutLink* Timeouts::PopExpired(TimePoint now) {
  for (auto& [timeout, head] : lists_) {
    TimeoutLink* first = head.next_;
    if (first == &head || first->deadline_ > now) continue;
    first->Unlink();
    return first;
  }
  return nullptr;
}

std::optional<TimePoint> Timeouts::Next() const {
  std::optional<TimePoint> next;
  for (const auto& [timeout, head] : lists_) {
    if (head.next_ == &head) continue;
    if (!next || head.next_->deadline_ < *next) next = head.next_->deadline_;
  }
  return next;
}

}  // namespace sstplb::session
