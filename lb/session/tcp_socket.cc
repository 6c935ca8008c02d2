// SPDX-License-Identifier: Apache-2.0
#include "lb/session/tcp_socket.h"

#include <fcntl.h>
#include <linux/socket.h>
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

// Allows a socket to have an address that is not this host's.
bool SetTransparent(int fd, int family) {
  return family == AF_INET6 ? SetOption(fd, SOL_IPV6, IPV6_TRANSPARENT, 1)
                            : SetOption(fd, SOL_IP, IP_TRANSPARENT, 1);
}

int AsInt(std::uint64_t value) {
  return static_cast<int>(
      std::min<std::uint64_t>(value, static_cast<std::uint64_t>(std::numeric_limits<int>::max())));
}

// A socket that nobody has given an option yet, in the words of a configuration.
const config::Tcp& Untouched() {
  static const config::Tcp kUntouched{.nodelay = false,
                                      .keepalive = {},
                                      .user_timeout = {},
                                      .congestion = {},
                                      .mss = 0,
                                      .notsent_lowat = 0,
                                      .rcvbuf = 0,
                                      .sndbuf = 0,
                                      .defer_accept = false,
                                      .backlog = 0};
  return kUntouched;
}

// Sets options of one socket and notes which the kernel does not take.
class Options {
 public:
  explicit Options(int fd) : fd_(fd) {}

  void Set(std::string_view key, int level, int name, int value) {
    Note(key, SetOption(fd_, level, name, value));
  }
  void SetCongestion(const std::string& name) {
    Note("congestion", setsockopt(fd_, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                  static_cast<socklen_t>(name.size())) == 0);
  }

  // What a new socket of this host would have: there is no "unset" for these.
  void ResetCongestion() {
    char name[16] = {};  // TCP_CA_NAME_MAX
    socklen_t size = sizeof name;
    const bool known = getsockopt(Fresh(), IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0;
    if (!known) return Note("congestion", false);
    SetCongestion(std::string(name, strnlen(name, size)));
  }
  void ResetBuffer(std::string_view key, int name, int lock) {
    int doubled = 0;  // the kernel shows twice of what it is given
    int locks = 0;
    if (!GetOption(Fresh(), name, doubled) || !GetOption(fd_, SO_BUF_LOCK, locks)) {
      return Note(key, false);
    }
    Set(key, SOL_SOCKET, name, doubled / 2);
    Set(key, SOL_SOCKET, SO_BUF_LOCK, locks & ~lock);  // the kernel may tune it again
  }

  std::vector<RefusedOption> TakeRefused() { return std::move(refused_); }

 private:
  static bool GetOption(int fd, int name, int& value) {
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0;
  }
  int Fresh() {
    int family = AF_INET;
    GetOption(fd_, SO_DOMAIN, family);
    if (!fresh_.valid()) fresh_.Reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fresh_.get();
  }
  void Note(std::string_view key, bool taken) {
    if (!taken) refused_.push_back({key, errno});
  }

  const int fd_;
  Fd fresh_;
  std::vector<RefusedOption> refused_;
};

void ChangeKeepalive(Options& options, Duration to) {
  const auto idle = std::chrono::duration_cast<std::chrono::seconds>(to).count();
  options.Set("keepalive", SOL_SOCKET, SO_KEEPALIVE, idle > 0 ? 1 : 0);
  if (idle <= 0) return;
  options.Set("keepalive", IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, static_cast<int>(idle)));
  options.Set("keepalive", IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, static_cast<int>(idle / 4)));
}

void ChangeBuffer(Options& options, std::string_view key, int name, int lock, std::uint64_t to) {
  if (to == 0) return options.ResetBuffer(key, name, lock);
  options.Set(key, SOL_SOCKET, name, AsInt(to));
}

// One system call for each option that differs, so that a new socket costs no more than it must.
void Change(Options& options, const config::Tcp& from, const config::Tcp& to) {
  if (from.nodelay != to.nodelay) {
    options.Set("nodelay", IPPROTO_TCP, TCP_NODELAY, to.nodelay ? 1 : 0);
  }
  if (from.keepalive != to.keepalive) ChangeKeepalive(options, to.keepalive);
  if (from.user_timeout != to.user_timeout) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(to.user_timeout).count();
    options.Set("user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT,
                AsInt(static_cast<std::uint64_t>(ms)));
  }
  if (from.congestion != to.congestion) {
    to.congestion.empty() ? options.ResetCongestion() : options.SetCongestion(to.congestion);
  }
  if (from.mss != to.mss) options.Set("mss", IPPROTO_TCP, TCP_MAXSEG, AsInt(to.mss));
  if (from.notsent_lowat != to.notsent_lowat) {
    options.Set("notsent_lowat", IPPROTO_TCP, TCP_NOTSENT_LOWAT, AsInt(to.notsent_lowat));
  }
  if (from.rcvbuf != to.rcvbuf) {
    ChangeBuffer(options, "rcvbuf", SO_RCVBUF, SOCK_RCVBUF_LOCK, to.rcvbuf);
  }
  if (from.sndbuf != to.sndbuf) {
    ChangeBuffer(options, "sndbuf", SO_SNDBUF, SOCK_SNDBUF_LOCK, to.sndbuf);
  }
}

// And those that only a listening socket has.
void ChangeListening(Options& options, const config::Tcp& from, const config::Tcp& to) {
  Change(options, from, to);
  if (from.defer_accept != to.defer_accept) {
    options.Set("defer_accept", IPPROTO_TCP, TCP_DEFER_ACCEPT,
                to.defer_accept ? kDeferAcceptSeconds : 0);
  }
}

// Differs from `tcp` in everything: a change from it sets every option, whatever it was.
config::Tcp OtherThan(const config::Tcp& tcp) {
  return {.nodelay = !tcp.nodelay,
          .keepalive = tcp.keepalive + std::chrono::seconds(1),
          .user_timeout = tcp.user_timeout + std::chrono::seconds(1),
          .congestion = tcp.congestion + "?",
          .mss = tcp.mss + 1,
          .notsent_lowat = tcp.notsent_lowat + 1,
          .rcvbuf = tcp.rcvbuf + 1,
          .sndbuf = tcp.sndbuf + 1,
          .defer_accept = !tcp.defer_accept,
          .backlog = tcp.backlog};
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
  // Options that the kernel refuses are left at its default: they tune, nothing depends on them.
  // `sstplb check` reports them before it comes to this.
  Options options(fd.get());
  ChangeListening(options, Untouched(), tcp);
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(fd.get(), AsInt(tcp.backlog)) != 0) {
    return ListenError(address, errno);
  }
  return fd;
}

void Adopt(int listening, const config::Tcp& tcp) {
  (void)::fcntl(listening, F_SETFL, ::fcntl(listening, F_GETFL) | O_NONBLOCK);
  Options options(listening);
  ChangeListening(options, OtherThan(tcp), tcp);
}

void StopListening(int listening) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  (void)::connect(listening, &nowhere, sizeof nowhere);
}

std::vector<RefusedOption> Retune(int listening, const config::Tcp& from, const config::Tcp& to) {
  Options options(listening);
  ChangeListening(options, from, to);
  if (from.backlog != to.backlog) ::listen(listening, AsInt(to.backlog));
  return options.TakeRefused();
}

std::vector<RefusedOption> TryRetune(int family, const config::Tcp& from, const config::Tcp& to) {
  const Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Options before(fd.get());
  ChangeListening(before, Untouched(), from);
  Options options(fd.get());
  ChangeListening(options, from, to);
  return options.TakeRefused();
}

bool MayBeTransparent() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return SetTransparent(fd.get(), AF_INET);
}

Connecting StartConnect(const SocketAddress& to, const config::Tcp& tcp, const ConnectFrom& from) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return {.error = errno};
  Options options(fd.get());
  Change(options, Untouched(), tcp);
  // The hello follows the backend's SYN at once: let it carry the acknowledgement, which saves a
  // packet (tcp(7): not permanent).
  SetOption(fd.get(), IPPROTO_TCP, TCP_QUICKACK, 0);
  sockaddr_storage storage{};
  const bool transparent = from.transparent && from.transparent->family() == to.family();
  if (transparent || from.source) {
    if (transparent && !SetTransparent(fd.get(), to.family())) return {.error = errno};
    // The port is chosen at connect(), where the backend's address is known: one local address then
    // serves as many sessions per backend as there are ports.
    if (from.source) SetOption(fd.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const SocketAddress local = transparent ? *from.transparent : SocketAddress{*from.source, 0};
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
