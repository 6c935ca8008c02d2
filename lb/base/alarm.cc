// SPDX-License-Identifier: Apache-2.0
#include "lb/base/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace sstplb {

Alarm::Alarm(Poller& poller)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (!timer_.valid() || !poller.WatchInput(timer_.get(), *this)) {
    throw std::system_error(errno, std::generic_category(), "timerfd_create");
  }
}

void Alarm::RingBy(TimePoint at) {
  if (set_for_ && *set_for_ <= at) return;
  set_for_ = at;
  // Zero would disarm it.
  const Duration since = std::max<Duration>(at.time_since_epoch(), Duration(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = (since - seconds).count();
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

bool Alarm::TakeRing() { return std::exchange(rang_, false); }

void Alarm::OnReady(unsigned, std::uint32_t) {
  std::uint64_t expirations = 0;
  if (::read(timer_.get(), &expirations, sizeof expirations) < 0) return;  // set anew meanwhile
  rang_ = true;
  set_for_.reset();
}

}  // namespace sstplb
