// SPDX-License-Identifier: Apache-2.0
#include "tests/admin/raw_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>

namespace sstplb::testing {
namespace {

// One read; false at the end, on an error and when nothing comes.
bool ReceiveSome(const Fd& fd, std::string& out) {
  pollfd wait{fd.get(), POLLIN, 0};
  if (::poll(&wait, 1, 10'000) <= 0) return false;
  std::array<char, 16384> block;
  const ssize_t n = ::recv(fd.get(), block.data(), block.size(), 0);
  if (n <= 0) return false;
  out.append(block.data(), static_cast<std::size_t>(n));
  return true;
}

}  // namespace

Fd ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof address) != 0) fd.Reset();
  return fd;
}

Fd ConnectTcp(const SocketAddress& address) {
  sockaddr_storage storage{};
  const socklen_t size = address.ToSockaddr(storage);
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) fd.Reset();
  return fd;
}

bool Send(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string ReceiveAll(const Fd& fd) {
  std::string out;
  while (ReceiveSome(fd, out)) {
  }
  return out;
}

std::string ReceiveUntil(const Fd& fd, std::string_view needle) {
  std::string out;
  while (out.find(needle) == std::string::npos && ReceiveSome(fd, out)) {
  }
  return out;
}

Reply ParseReply(const std::string& bytes) {
  Reply reply;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.1 ") || end == std::string::npos) return reply;
  reply.status = std::atoi(bytes.c_str() + 9);
  reply.head = bytes.substr(0, end + 2);
  reply.body = bytes.substr(end + 4);
  return reply;
}

std::string MakeRequest(std::string_view method, std::string_view target, std::string_view body,
                        const Headers& headers) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  bool has_host = false;
  for (const auto& [name, value] : headers) {
    out += name + ": " + value + "\r\n";
    has_host = has_host || name == "Host";
  }
  if (!has_host) out += "Host: localhost\r\n";
  if (!body.empty()) {
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (out.find("Content-Type") == std::string::npos) out += "Content-Type: application/json\r\n";
  }
  return out + "\r\n" + std::string(body);
}

Reply Exchange(Fd fd, std::string_view bytes) {
  if (!fd.valid()) return {};
  Send(fd, bytes);  // a server that refuses early may not take all
  return ParseReply(ReceiveAll(fd));
}

}  // namespace sstplb::testing
