// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tests/bench/load/fail.h"
#include "tests/dialogue/handshake.h"

namespace sstplb::bench {

Tunnel::Tunnel(Poller& poller, Destination& destination, Wish wish)
    : poller_(poller),
      fd_(destination.ConnectNext()),
      hello_(destination.hello),
      wish_(wish),
      interest_(EPOLLIN | EPOLLOUT),
      flight_left_(dialogue::ServerFlight().size()) {
  poller_.Add(fd_.get(), interest_, *this);
}

void Tunnel::Watch(std::uint32_t interest) {
  if (interest == interest_) return;
  interest_ = interest;
  poller_.Change(fd_.get(), interest, *this);
}

void Tunnel::WantWrite(bool wanted) { Watch(wanted ? EPOLLIN | EPOLLOUT : EPOLLIN); }

void Tunnel::OnEvents(std::uint32_t events) {
  if (phase_ == Phase::kHello) return SendHello();
  if (phase_ == Phase::kFlight) return ReadFlight();
  if ((events & EPOLLOUT) != 0) OnWritable();
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && fd_.valid()) OnReadable();
}

void Tunnel::SendHello() {
  const auto put = Send(fd_.get(), hello_);
  if (put == 0) return;
  // A new connection takes so little at once.
  if (put != static_cast<std::ptrdiff_t>(hello_.size())) FailErrno("a tunnel's hello");
  phase_ = Phase::kFlight;
  Watch(EPOLLIN);
}

void Tunnel::ReadFlight() {
  const auto got = Skip(flight_left_);
  if (got < 0) return;
  if (got == 0) Fail("a tunnel ended in its handshake");
  flight_left_ -= static_cast<std::size_t>(got);
  if (flight_left_ > 0) return;
  Bytes flight = dialogue::ClientFlight();
  const Bytes wish = WishRecord(wish_);
  flight.insert(flight.end(), wish.begin(), wish.end());
  if (Send(fd_.get(), flight) != static_cast<std::ptrdiff_t>(flight.size())) {
    FailErrno("a tunnel's wish");
  }
  phase_ = Phase::kReady;
  OnReady();
}

std::ptrdiff_t Tunnel::Skip(std::size_t most) {
  const ssize_t got = recv(fd_.get(), nullptr, most, MSG_TRUNC);
  if (got < 0 && errno != EAGAIN) FailErrno("a tunnel");
  return got;
}

std::ptrdiff_t Tunnel::Receive(std::span<std::uint8_t> buffer) {
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno != EAGAIN) FailErrno("a tunnel");
  return got;
}

}  // namespace sstplb::bench
