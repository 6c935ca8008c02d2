// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/peer.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sstplb::probes {
namespace {

constexpr int kPatienceMs = 5000;

bool Wait(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, kPatienceMs) > 0;
}

}  // namespace

Connection::~Connection() = default;

bool Connection::StartTls(SSL_CTX* context) {
  const timeval patience{kPatienceMs / 1000, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), fd_.get());
  if (SSL_accept(ssl_.get()) == 1) return true;
  ERR_clear_error();
  return false;
}

void Connection::Send(ByteView bytes) {
  if (ssl_) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  } else if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
    return;
  }
}

std::string Connection::Receive(std::size_t max) {
  std::string bytes(max, '\0');
  long got = 0;
  if (ssl_) {
    ERR_clear_error();
    got = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(max));
  } else {
    got = Wait(fd_.get()) ? ::recv(fd_.get(), bytes.data(), max, 0) : -1;
  }
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::string Connection::ReceiveUntil(std::string_view end) {
  std::string all;
  while (all.find(end) == all.npos) {
    const std::string more = Receive();
    if (more.empty()) break;
    all += more;
  }
  return all;
}

std::string Connection::ReceiveExactly(std::size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string more = Receive(size - all.size());
    if (more.empty()) break;
    all += more;
  }
  return all;
}

std::string Connection::End() {
  if (ssl_) {
    char byte = 0;
    int got = 0;
    ERR_clear_error();
    while ((got = SSL_read(ssl_.get(), &byte, 1)) > 0) {
    }
    if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) return "close_notify";
  }
  char trash[512];
  while (Wait(fd_.get())) {
    const ssize_t got = ::recv(fd_.get(), trash, sizeof trash, 0);
    if (got == 0) return "fin";
    if (got < 0) return errno == ECONNRESET ? "reset" : "silent";
  }
  return "silent";
}

void Connection::CloseWithReset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Peer::Peer(Script script) : script_(std::move(script)), listener_(Listen(64)) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write() of a script whose client has gone
  address_ = LocalAddress(listener_.get()).value();
  thread_ = std::thread([this] { Serve(); });
}

Peer::~Peer() { Stop(); }

void Peer::Stop() {
  stop_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  {
    const std::lock_guard lock(mutex_);
    if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
  }
  if (thread_.joinable()) thread_.join();
}

void Peer::Serve() {
  while (!stop_) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++accepted_;
    Connection connection(fd);
    {
      const std::lock_guard lock(mutex_);
      current_ = fd;
    }
    script_(connection);
    const std::lock_guard lock(mutex_);
    current_ = -1;
  }
}

Fd Listen(int backlog) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress{IpAddress::V4({127, 0, 0, 1}), 0}.ToSockaddr(storage);
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size);
  if (backlog >= 0) ::listen(fd.get(), backlog);
  return fd;
}

SslCtxPtr ServerContext(const Identity& identity) {
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
  return context;
}

}  // namespace sstplb::probes
