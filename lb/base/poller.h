// Poller: the sockets of the data path, in one epoll set of their own.
//
// The rest of the process runs on libev (loop.h). Here every system call and every byte per socket
// counts, so sockets are watched edge-triggered: one epoll_ctl for the whole life of a socket,
// nothing to change when a receiver stalls, and no bookkeeping for a socket in user space. What
// that asks of a watcher is said at Watch(). docs/performance.md has the figures.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lb/base/fd.h"

namespace sstplb {

// Belongs to one thread.
class Poller {
 public:
  // A watcher's place with its poller; the poller's own affair.
  class Stay {
   public:
    Stay() = default;
    ~Stay() {
      if (poller_ != nullptr) poller_->Leave(seat_);
    }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    friend class Poller;
    Poller* poller_ = nullptr;  // outlives it
    std::uint32_t seat_ = 0;
  };

  // Is told of what happened on its descriptors, and of nothing any more once it is destroyed. That
  // a descriptor is closed does not say as much: as long as another process has a copy of it, be it
  // only a child between fork() and exec(), it stays in the epoll set.
  class Watcher {
   public:
    // `slot` is that of Watch(); `events` are those of epoll: EPOLLIN, EPOLLOUT, EPOLLRDHUP,
    // EPOLLHUP, EPOLLERR.
    virtual void OnReady(unsigned slot, std::uint32_t events) = 0;

    Stay stay;

   protected:
    ~Watcher() = default;
  };

  Poller();

  // Watches `fd` for everything, edge-triggered: a change is told once. So a reader goes on until
  // EAGAIN or (where no EPOLLRDHUP, EPOLLHUP or EPOLLERR was told) a short read, a writer until
  // EAGAIN (epoll(7)). What is there already is told as well. Ends when the last copy of the
  // descriptor is closed. False, with errno, when the kernel has no room. `slot` is 0 or 1.
  [[nodiscard]] bool Watch(int fd, Watcher& watcher, unsigned slot = 0);
  // The same for input alone, told again in every turn as long as there is some.
  [[nodiscard]] bool WatchInput(int fd, Watcher& watcher);

  // The same for a socket that other threads watch as well, each by a descriptor of its own: when
  // there is something, some of them are told, not all (EPOLLEXCLUSIVE).
  [[nodiscard]] bool WatchShared(int fd, Watcher& watcher);
  // Ends it while `fd` is still open. Needed where another copy of it stays open; what this turn
  // has in hand is still told.
  void Forget(int fd);

  // Takes what has happened, at most kEventsPerTurn of it; waits for something for that long at
  // most.
  void Wait(std::optional<std::chrono::milliseconds> at_most);
  // Tells it.
  void Tell();

 private:
  static constexpr std::size_t kEventsPerTurn = 256;

  // Where a watcher is found: the set of epoll knows a seat and the time it was taken, never an
  // address.
  struct Seat {
    Watcher* watcher = nullptr;
    std::uint32_t taken = 0;  // how many times
  };

  bool Add(int fd, std::uint32_t events, Watcher& watcher, unsigned slot);
  void TakeSeat(Watcher& watcher);
  void Leave(std::uint32_t seat);

  Fd epoll_;
  std::vector<Seat> seats_;
  std::vector<std::uint32_t> free_;  // of them
  std::size_t ready_ = 0;
  std::array<epoll_event, kEventsPerTurn> events_;
};

}  // namespace sstplb
