// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/bench/load/fail.h"

namespace sstplb::bench {
namespace {

constexpr std::uint32_t kFirstSource = 0x7f010001;  // 127.1.0.1
constexpr std::uint32_t kSources = 60000;
constexpr int kBacklog = 4096;

Fd Socket() {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) FailErrno("socket");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted ones inherit it
  return fd;
}

}  // namespace

Fd Listen() {
  Fd fd = Socket();
  sockaddr_storage address{};
  const socklen_t size = SocketAddress{IpAddress::V4({127, 0, 0, 1}), 0}.ToSockaddr(address);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) FailErrno("bind");
  if (listen(fd.get(), kBacklog) != 0) FailErrno("listen");
  return fd;
}

Fd Connect(const SocketAddress& target, std::uint64_t index) {
  Fd fd = Socket();
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(kFirstSource + static_cast<std::uint32_t>(index % kSources));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
    FailErrno("bind to a source");
  }
  sockaddr_storage address{};
  const socklen_t size = target.ToSockaddr(address);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
      errno != EINPROGRESS) {
    FailErrno("connect to " + target.ToString());
  }
  return fd;
}

std::ptrdiff_t Send(int fd, ByteView bytes) {
  const ssize_t put = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (put >= 0) return put;
  // ENOTCONN: the connection is still being made.
  return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -1;
}

}  // namespace sstplb::bench
