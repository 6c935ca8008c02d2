// Poller: epoll with deadlines in nanoseconds, since an open loop of thousands of echoes a second
// has to be woken on time.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "lb/base/fd.h"
#include "lb/base/time.h"

namespace sstplb::bench {

// One thread. Level-triggered.
class Poller {
 public:
  // What a descriptor belongs to. In OnEvents() it may destroy itself, but no other target.
  class Target {
   public:
    virtual ~Target() = default;
    virtual void OnEvents(std::uint32_t events) = 0;
  };

  Poller();

  // `target` lives until the descriptor is closed, which also ends the watch.
  void Add(int fd, std::uint32_t interest, Target& target);
  void Change(int fd, std::uint32_t interest, Target& target);

  // Waits until something is ready, at most until then, and tells those that it is ready for.
  void Wait(TimePoint until);

 private:
  Fd epoll_;
};

}  // namespace sstplb::bench
