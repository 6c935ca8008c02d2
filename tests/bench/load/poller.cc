// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/poller.h"

#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/bench/load/fail.h"

namespace sstplb::bench {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) FailErrno("epoll_create1");
  prctl(PR_SET_TIMERSLACK, 1UL);  // the usual 50 us would be seen in the latencies
}

void Poller::Add(int fd, std::uint32_t interest, Target& target) {
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &target;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) FailErrno("epoll_ctl add");
}

void Poller::Change(int fd, std::uint32_t interest, Target& target) {
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &target;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) FailErrno("epoll_ctl mod");
}

void Poller::Wait(TimePoint until) {
  const auto left = std::max<Duration>(until - Clock::now(), Duration::zero());
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{static_cast<time_t>(whole.count()), (left - whole).count()};
  std::array<epoll_event, 256> events;
  const int count =
      epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (count < 0 && errno != EINTR) FailErrno("epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Target*>(event.data.ptr)->OnEvents(event.events);
  }
}

}  // namespace sstplb::bench
