// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "lb/base/address.h"

namespace sstplb::admin {
namespace {

constexpr std::size_t kMaxDrained = 1024 * 1024;
constexpr auto kMaxDrainTime = std::chrono::seconds(1);

int MillisecondsLeft(TimePoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

bool Again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

bool Connection::Wait(short events, TimePoint deadline) const {
  while (true) {
    pollfd fds[] = {{fd_.get(), events, 0}, {stop_fd_, POLLIN, 0}};
    const int ready = ::poll(fds, 2, MillisecondsLeft(deadline));
    if (ready > 0) return fds[1].revents == 0;
    if (ready == 0 && Clock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

long Connection::Read(char* out, std::size_t size, TimePoint deadline) {
  while (Wait(POLLIN, deadline)) {
    const ssize_t n = ::recv(fd_.get(), out, size, 0);
    if (n >= 0) return n;
    if (!Again()) return -1;
  }
  return -1;
}

bool Connection::Write(std::string_view data, TimePoint deadline) {
  while (!data.empty()) {
    const ssize_t n = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (n > 0) {
      data.remove_prefix(static_cast<std::size_t>(n));
    } else if (!Again() || !Wait(POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

bool Connection::Over() const {
  pollfd fds[] = {{fd_.get(), POLLRDHUP, 0}, {stop_fd_, POLLIN, 0}};
  return ::poll(fds, 2, 0) != 0;
}

void Connection::Finish() {
  ::shutdown(fd_.get(), SHUT_WR);
  const TimePoint deadline = Clock::now() + kMaxDrainTime;
  std::array<char, 4096> scratch;
  for (std::size_t drained = 0; drained < kMaxDrained;) {
    const long n = Read(scratch.data(), scratch.size(), deadline);
    if (n <= 0) return;
    drained += static_cast<std::size_t>(n);
  }
}

std::string Connection::Peer() const {
  if (const auto address = PeerAddress(fd_.get())) return address->ToString();
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return "unknown";
  return "uid=" + std::to_string(who.uid) + " pid=" + std::to_string(who.pid);
}

}  // namespace sstplb::admin
