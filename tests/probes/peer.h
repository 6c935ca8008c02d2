// Peer: a server on a loopback port that does what a test's script says, one connection at a time.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "probes/tls_context.h"
#include "tests/probes/certificates.h"

namespace sstplb::probes {

// The server's end of one connection; blocking, each call at most kPatience.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection();

  // The handshake; false when it failed.
  bool StartTls(SSL_CTX* context);
  void Send(ByteView bytes);
  void Send(std::string_view text) { Send(AsBytes(text)); }
  // At most `max` bytes, "" at the end or after kPatience.
  std::string Receive(std::size_t max = 4096);
  // Until `end` is in what was read.
  std::string ReceiveUntil(std::string_view end);
  std::string ReceiveExactly(std::size_t size);
  // How the client went: "close_notify", "fin", "reset", or "silent" after kPatience.
  std::string End();
  // The next close is a reset.
  void CloseWithReset();

  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  SslPtr ssl_;
};

class Peer {
 public:
  using Script = std::function<void(Connection&)>;

  // The script runs on the peer's own thread, once per connection; leaving it closes.
  explicit Peer(Script script);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const SocketAddress& address() const { return address_; }
  int accepted() const { return accepted_; }
  // Ends whatever the script waits for, and waits for it.
  void Stop();

 private:
  void Serve();

  Script script_;
  Fd listener_;
  SocketAddress address_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // guards current_ while its connection lives
  int current_ = -1;
  std::thread thread_;
};

// A listening socket on loopback that nobody accepts from.
Fd Listen(int backlog);

SslCtxPtr ServerContext(const Identity& identity);

}  // namespace sstplb::probes
