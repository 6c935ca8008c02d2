// Channel: one outgoing connection of a probe: TCP, bytes ahead of TLS, TLS, and a clean end.
//
// It speaks for itself and shares nothing with the data path. Every operation is asynchronous on
// the loop and has no deadline of its own. There is one at a time: beginning another, or destroying
// the channel, drops the Done of the one under way.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/base/time.h"
#include "probes/outcome.h"
#include "probes/tls_context.h"

namespace sstplb::probes {

// Why an operation did not succeed.
struct Trouble {
  Outcome outcome;
  std::string detail;
};

// Belongs to the loop's thread. `Done` is called once per operation, from the loop, never
// from within the call that began it; the channel may be destroyed inside it. Destroying the
// channel drops the connection at once and calls nothing.
class Channel {
 public:
  using Done = std::function<void(const std::optional<Trouble>&)>;
  // What is read and not yet consumed never exceeds this.
  static constexpr std::size_t kMaxBuffered = 16 * 1024;

  explicit Channel(Loop& loop);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // `from`: the local address to connect from; nullopt: the kernel's choice.
  void Connect(const SocketAddress& to, const std::optional<IpAddress>& from, Done done);
  // Both ends, once connected.
  std::optional<SocketAddress> local() const { return LocalAddress(fd_.get()); }

  struct TlsOptions {
    std::string server_name;  // SNI; "" and an address send none
    std::string alpn;         // one protocol to offer; "": none
  };
  // The outcome of a failure is kTlsAlert, kTlsClosed or kTlsProtocolError.
  void Handshake(SSL_CTX* context, const TlsOptions& options, Done done);
  // Null before Handshake().
  SSL* ssl() const { return ssl_.get(); }

  // Until the kernel has taken all of it; a small buffer leaves in one segment. A connection that
  // is broken by then is reported by the next Read(), which may still find the peer's last words.
  void Write(ByteView bytes, Done done);

  // At least one more byte in buffered(). `closed` is the outcome when the peer has closed or reset
  // instead.
  void Read(Outcome closed, Done done);
  ByteView buffered() const { return in_; }
  void Consume(std::size_t size);

  // Says goodbye (close_notify when TLS is up, then FIN), and waits up to `wait` for the peer's
  // own, so that unread bytes do not turn the close into a reset. Never fails.
  void Close(Duration wait, std::function<void()> done);

  // Whether the peer has sent a single byte, of whatever layer.
  bool received_any() const { return received_ > 0; }
  // The peer has closed or reset.
  bool peer_closed() const { return peer_closed_; }

 private:
  enum class Op : std::uint8_t { kIdle, kDeferred, kConnect, kHandshake, kWrite, kRead, kClose };

  void Begin(Op op, int events, Done done);
  void Defer(std::optional<Trouble> trouble);
  void Finish(const std::optional<Trouble>& trouble);
  void Arm(int events);
  void OnIo(ev::io& watcher, int events);
  void OnTimer(ev::timer& watcher, int events);

  void StepConnect();
  void StepHandshake();
  void StepWrite();
  void StepRead();
  void StepClose();

  void Receive();   // one recv()
  void Flush();     // sends what it can of out_
  void DrainTls();  // what TLS wants to send joins out_
  bool Decrypt();   // moves what TLS has into in_; true when there was something
  std::string ClosedText() const;

  Fd fd_;
  SslPtr ssl_;
  ev::io io_;
  ev::timer timer_;
  Op op_ = Op::kIdle;
  Done done_;
  std::optional<Trouble> deferred_;
  SocketAddress to_;
  Outcome closed_outcome_ = Outcome::kHttpClosed;
  Bytes in_;
  Bytes out_;
  std::uint64_t received_ = 0;
  std::size_t discarded_ = 0;
  int error_ = 0;             // errno of the socket, when it broke
  bool eof_ = false;          // the socket gives no more bytes
  bool peer_closed_ = false;  // that, or a close_notify
  bool tls_up_ = false;
  std::optional<Trouble> broken_;  // TLS cannot go on
};

}  // namespace sstplb::probes
