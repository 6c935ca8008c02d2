// SPDX-License-Identifier: Apache-2.0
#include "lb/base/poller.h"

#include <cassert>
#include <cerrno>
#include <system_error>

namespace sstplb {
namespace {

// What epoll is told of a watcher: bit 0 the slot, then the seat, and from bit 32 on when it was
// taken.
constexpr unsigned kSeatBit = 1;
constexpr unsigned kTakenBit = 32;
constexpr std::uint64_t kSlotMask = 1;
constexpr std::uint64_t kSeatMask = 0x7fffffff;

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

void Poller::TakeSeat(Watcher& watcher) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(seats_.size()));
    seats_.emplace_back();
  }
  watcher.stay.poller_ = this;
  watcher.stay.seat_ = free_.back();
  free_.pop_back();
  Seat& seat = seats_[watcher.stay.seat_];
  seat.watcher = &watcher;
  ++seat.taken;
}

void Poller::Leave(std::uint32_t seat) {
  seats_[seat].watcher = nullptr;
  free_.push_back(seat);
}

bool Poller::Add(int fd, std::uint32_t events, Watcher& watcher, unsigned slot) {
  assert(slot <= kSlotMask);
  if (watcher.stay.poller_ == nullptr) TakeSeat(watcher);
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{seats_[watcher.stay.seat_].taken} << kTakenBit |
                   std::uint64_t{watcher.stay.seat_} << kSeatBit | slot;
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
    const Seat seat = seats_[data >> kSeatBit & kSeatMask];
    if (seat.watcher == nullptr || seat.taken != data >> kTakenBit) continue;  // destroyed
    seat.watcher->OnReady(static_cast<unsigned>(data & kSlotMask), events_[i].events);
  }
}

}  // namespace sstplb
