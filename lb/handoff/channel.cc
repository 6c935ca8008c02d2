// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sstplb::handoff {
namespace {

constexpr std::size_t kHeader = 2;

using Kind = ChannelError::Kind;

ChannelError Failed(Kind kind, std::string what) { return {kind, std::move(what)}; }

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{"handoff: the path " + path + " is too long for a socket (" +
                 std::to_string(sizeof address.sun_path - 1) + " bytes): shorten admin.socket"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* AsSockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void TakeFds(msghdr& header, std::vector<Fd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

std::string_view ToString(MessageType type) {
  constexpr std::string_view kNames[] = {
      "?",        "HELLO",   "OFFER", "SOCKETS",  "CONFIG",  "DECISIONS", "BACKENDS",
      "AFFINITY", "CONTROL", "READY", "SESSIONS", "MOTIONS", "GREETINGS", "END",
      "PREPARED", "COMMIT",  "TAKEN", "ABORT",    "ACK"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(kNames) ? kNames[index] : kNames[0];
}

std::string HandoffPath(const std::string& admin_socket) { return admin_socket + ".handoff"; }

Result<Fd> ListenAt(const std::string& path) {
  const auto address = UnixAddress(path);
  if (!address) return address.error();
  // Whoever was here is gone: the admin socket beside it was found free.
  ::unlink(path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The file gets the mode that the unbound socket has.
  if (::fchmod(fd.get(), 0600) != 0 ||
      ::bind(fd.get(), AsSockaddr(*address), sizeof *address) != 0 || ::listen(fd.get(), 1) != 0) {
    return Error{"handoff: cannot listen at " + path + ": " + std::strerror(errno)};
  }
  return fd;
}

Result<Channel> Channel::Connect(const std::string& path) {
  const auto address = UnixAddress(path);
  if (!address) return address.error();
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), AsSockaddr(*address), sizeof *address) != 0) {
    return Error{"takeover: no balancer answers at " + path + ": " + std::strerror(errno) +
                 "; start without --takeover when none runs"};
  }
  return Channel(std::move(fd));
}

Result<Done, ChannelError> Channel::Send(MessageType type, ByteView body, std::span<const int> fds,
                                         Duration within) {
  if (body.size() > kMaxBody || fds.size() > kMaxFds) {
    return Failed(Kind::kBroken, std::string(ToString(type)) + " is too large to send");
  }
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(kMaxFds * sizeof(int))];
  const TimePoint deadline = Clock::now() + within;
  for (bool more = true, first = true; more; first = false) {
    const ByteView part = body.first(std::min(body.size(), kMaxPart));
    body = body.subspan(part.size());
    more = !body.empty();
    std::uint8_t head[kHeader] = {static_cast<std::uint8_t>(type),
                                  more ? std::uint8_t{1} : std::uint8_t{0}};
    iovec pieces[2] = {{head, sizeof head}, {const_cast<std::uint8_t*>(part.data()), part.size()}};
    msghdr header{};
    header.msg_iov = pieces;
    header.msg_iovlen = std::size(pieces);
    if (first && !fds.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(fds.size_bytes());
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fds.size_bytes());
      std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    while (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE || errno == ECONNRESET) {
        return Failed(Kind::kEnded, "the other process is gone");
      }
      if (errno != EAGAIN) {
        return Failed(Kind::kBroken, std::string("sendmsg: ") + std::strerror(errno));
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      pollfd writable{socket_.get(), POLLOUT, 0};
      if (left.count() <= 0 || ::poll(&writable, 1, static_cast<int>(left.count())) == 0) {
        return Failed(Kind::kTimeout, "the other process does not read");
      }
    }
  }
  return Done{};
}

bool Channel::AwaitReadable(TimePoint deadline) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd readable{socket_.get(), POLLIN, 0};
    const int got = ::poll(&readable, 1, std::max(0, static_cast<int>(left.count())));
    if (got > 0) return true;
    if (got == 0 && left.count() <= 0) return false;
  }
}

Result<Channel::Part, ChannelError> Channel::ReceivePart(Message& message, TimePoint deadline) {
  if (!AwaitReadable(deadline)) return Failed(Kind::kTimeout, "no answer in time");
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE((kMaxFds + 3) * sizeof(int))];
  packet_.resize(kHeader + kMaxPart);
  iovec piece{packet_.data(), packet_.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    // A reset is told once, ahead of what was sent before it.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got == 0) return Failed(Kind::kEnded, "the other process is gone");
  if (got < 0) return Failed(Kind::kBroken, std::string("recvmsg: ") + std::strerror(errno));
  TakeFds(header, message.fds);
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    return Failed(Kind::kBroken,
                  "not every descriptor arrived: the limit of open files (ulimit -n, LimitNOFILE=) "
                  "is too low");
  }
  const auto size = static_cast<std::size_t>(got);
  const bool whole = size >= kHeader && (header.msg_flags & MSG_TRUNC) == 0 && packet_[1] <= 1;
  if (!whole || message.body.size() + size - kHeader > kMaxBody) {
    return Failed(Kind::kBroken, "a packet that is none of this format");
  }
  message.body.insert(message.body.end(), packet_.begin() + kHeader,
                      packet_.begin() + static_cast<std::ptrdiff_t>(size));
  return Part{static_cast<MessageType>(packet_[0]), packet_[1] == 1};
}

Result<Message, ChannelError> Channel::Receive(Duration within) {
  const TimePoint deadline = Clock::now() + within;
  Message message;
  for (bool first = true;; first = false) {
    const auto part = ReceivePart(message, deadline);
    if (!part) return part.error();
    if (!first && part->type != message.type) {
      return Failed(Kind::kBroken, "two messages are mixed");
    }
    message.type = part->type;
    if (!part->more) return message;
  }
}

bool Channel::AwaitEnd(Duration within) {
  const TimePoint deadline = Clock::now() + within;
  while (Clock::now() < deadline) {
    const auto next = Receive(deadline - Clock::now());
    if (!next && next.error().kind != Kind::kTimeout) return next.error().kind == Kind::kEnded;
  }
  return false;
}

}  // namespace sstplb::handoff
