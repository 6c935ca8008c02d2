// SPDX-License-Identifier: Apache-2.0
#include "lb/session/tcp_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace sstplb::session {
namespace {

// A silent client is given to us after about this long, and hello_timeout counts from there.
constexpr int kDeferAcceptSeconds = 1;

bool SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int AsInt(std::uint64_t value) {
  return static_cast<int>(
      std::min<std::uint64_t>(value, static_cast<std::uint64_t>(std::numeric_limits<int>::max())));
}

// Options that a kernel refuses are left at its default: they tune, nothing depends on them.
// Configuration checks report them (congestion, mss) before it comes to this.
void ApplyOptions(int fd, const config::Tcp& tcp) {
  using std::chrono::duration_cast;
  if (tcp.nodelay) SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (tcp.keepalive.count() > 0) {
    const auto idle = duration_cast<std::chrono::seconds>(tcp.keepalive).count();
    SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, static_cast<int>(idle)));
    SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, static_cast<int>(idle / 4)));
  }
  if (tcp.user_timeout.count() > 0) {
    const auto ms = duration_cast<std::chrono::milliseconds>(tcp.user_timeout).count();
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, AsInt(static_cast<std::uint64_t>(ms)));
  }
  if (!tcp.congestion.empty()) {
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, tcp.congestion.data(),
               static_cast<socklen_t>(tcp.congestion.size()));
  }
  if (tcp.mss != 0) SetOption(fd, IPPROTO_TCP, TCP_MAXSEG, AsInt(tcp.mss));
  if (tcp.notsent_lowat != 0) {
    SetOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, AsInt(tcp.notsent_lowat));
  }
  if (tcp.rcvbuf != 0) SetOption(fd, SOL_SOCKET, SO_RCVBUF, AsInt(tcp.rcvbuf));
  if (tcp.sndbuf != 0) SetOption(fd, SOL_SOCKET, SO_SNDBUF, AsInt(tcp.sndbuf));
}

// What went wrong in words that say what to do about it.
Error ListenError(const SocketAddress& address, int error) {
  std::string text = "cannot listen on " + address.ToString() + ": " + std::strerror(error);
  if (error == EADDRINUSE) text += "; another program holds this port";
  if (error == EACCES) text += "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) text += "; this host does not have that address";
  return Error{text};
}

}  // namespace

Result<Fd> Listen(const SocketAddress& address, const config::Tcp& tcp) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ListenError(address, errno);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.ip.is_v6()) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  ApplyOptions(fd.get(), tcp);
  if (tcp.defer_accept) {
    SetOption(fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, kDeferAcceptSeconds);
  }
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(fd.get(), AsInt(tcp.backlog)) != 0) {
    return ListenError(address, errno);
  }
  return fd;
}

Connecting StartConnect(const SocketAddress& to, const config::Tcp& tcp, const ConnectFrom& from) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return {.error = errno};
  ApplyOptions(fd.get(), tcp);
  // The hello follows the backend's SYN at once: let it carry the acknowledgement, which saves a
  // packet (tcp(7): not permanent).
  SetOption(fd.get(), IPPROTO_TCP, TCP_QUICKACK, 0);
  sockaddr_storage storage{};
  if (from.transparent || from.source) {
    const bool v6 = to.ip.is_v6();
    if (from.transparent &&
        !SetOption(fd.get(), v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1)) {
      return {.error = errno};
    }
    // The port is chosen at connect(), where the backend's address is known: one local address then
    // serves as many sessions per backend as there are ports.
    if (from.source) SetOption(fd.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const SocketAddress local =
        from.transparent ? *from.transparent : SocketAddress{*from.source, 0};
    const socklen_t size = local.ToSockaddr(storage);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
      return {.error = errno};
    }
  }
  const socklen_t size = to.ToSockaddr(storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) {
    return {.fd = std::move(fd), .done = true};
  }
  if (errno != EINPROGRESS) return {.error = errno};
  return {.fd = std::move(fd)};
}

int ConnectError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void ResetOnClose(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

}  // namespace sstplb::session
