// SPDX-License-Identifier: Apache-2.0
#include "lb/base/poller.h"

#include <cassert>
#include <cerrno>
#include <system_error>

namespace sstplb {
namespace {

// A watcher holds a pointer to its functions, so the lowest bit of its address is free for the
// slot.
constexpr std::uint64_t kSlotBit = 1;

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

bool Poller::Watch(int fd, Watcher& watcher, unsigned slot) {
  return Add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, watcher, slot);
}

bool Poller::WatchInput(int fd, Watcher& watcher) { return Add(fd, EPOLLIN, watcher, 0); }

bool Poller::WatchShared(int fd, Watcher& watcher) {
  return Add(fd, EPOLLIN | EPOLLEXCLUSIVE, watcher, 0);
}

bool Poller::Add(int fd, std::uint32_t events, Watcher& watcher, unsigned slot) {
  const auto address = reinterpret_cast<std::uintptr_t>(&watcher);
  assert((address & kSlotBit) == 0 && slot <= kSlotBit);
  epoll_event event{};
  event.events = events;
  event.data.u64 = address | slot;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::Forget(int fd) { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Poller::Wait(std::optional<std::chrono::milliseconds> at_most) {
  const int got = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                               at_most ? static_cast<int>(at_most->count()) : -1);
  ready_ = got > 0 ? static_cast<std::size_t>(got) : 0;  // otherwise a signal
}

void Poller::Tell() {
  for (std::size_t i = 0; i < ready_; ++i) {
    const std::uint64_t data = events_[i].data.u64;
    auto* watcher = reinterpret_cast<Watcher*>(static_cast<std::uintptr_t>(data & ~kSlotBit));
    watcher->OnReady(static_cast<unsigned>(data & kSlotBit), events_[i].events);
  }
}

}  // namespace sstplb
