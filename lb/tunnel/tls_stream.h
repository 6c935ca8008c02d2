// TlsStream: one TLS connection over one non-blocking socket on one loop, with bounded buffers.
//
// TLS runs over memory, the socket is read and written here: so a PROXY header can be read off
// the socket first, and a reset is a plain close. The owner learns of everything by its handler.
// An idle stream holds no buffer.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/tunnel/tls_context.h"

struct ssl_st;  // OpenSSL's SSL

namespace sstplb::tunnel {

struct Wire;

enum class StreamEnd : std::uint8_t {
  kClosed,    // after this side's Close()
  kEof,       // the peer closed, with or without a TLS close_notify
  kReset,     // the peer reset, or the network failed
  kTlsError,  // the handshake or a record was refused; the detail says why
  kOverflow,  // the peer does not read, and the queue is full
};

// All on the loop's thread. A handler may call any method of the stream, but must not destroy it
// before the call returns.
class TlsStreamHandler {
 public:
  virtual void OnTlsReady() = 0;  // the handshake is done
  virtual void OnTlsData(ByteView data) = 0;
  // Last call, once. Not called after Reset() and Detach().
  virtual void OnTlsEnd(StreamEnd end, const std::string& detail) = 0;

 protected:
  ~TlsStreamHandler() = default;
};

class TlsStream {
 public:
  enum class Role : std::uint8_t { kServer, kClient };

  // `fd` is connected and non-blocking. Loop and handler outlive the stream.
  TlsStream(Loop& loop, TlsStreamHandler& handler, const TlsContext& context, Role role, Fd fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // For clients, before Start(). `sni` empty: none is sent.
  void SetServerName(const std::string& sni);
  void Resume(const TlsSession& session);

  // Starts the handshake; `received` was read from the socket already.
  void Start(ByteView received = {});

  // Queues and writes. Only after OnTlsReady(); ignored once the stream is closing.
  void Send(ByteView data);
  void Send(std::string_view text) { Send(AsBytes(text)); }
  // Bytes that wait for TCP to take them; above 1 MiB the stream ends by kOverflow.
  std::size_t queued() const;

  // Writes what is queued, says goodbye and waits a second at most for the peer's end, so that
  // nothing written is lost to a reset. What still arrives is dropped.
  void Close();
  // Ends at once with a TCP RST.
  void Reset();
  // Ends at once with a TLS goodbye and a plain close, and calls the handler no more.
  void Detach();

  bool ready() const { return ready_; }
  bool ended() const { return ended_; }
  int fd() const { return fd_.get(); }
  bool resumed() const;
  std::string version() const;      // "TLSv1.3"
  std::string server_name() const;  // as the client sent it; empty when it sent none
  Bytes PeerCertificate() const;    // DER; empty when there is none
  // A client's newest session; null when the server gave none.
  TlsSession Session() const;

 private:
  void OnIo(ev::io& watcher, int events);
  void OnLinger(ev::timer& timer, int events);
  void ReadSocket();
  void Pump(ByteView received);
  bool Handshake();
  void ReadRecords();
  void Flush();
  bool WriteSocket();
  void Rearm();
  void End(StreamEnd end, const std::string& detail);

  TlsStreamHandler& handler_;
  Fd fd_;
  std::unique_ptr<Wire> wire_;  // its `out` is the queue: from queue_at_ on not yet written
  ssl_st* ssl_;
  ev::io io_;
  ev::timer linger_;
  std::size_t queue_at_ = 0;
  bool ready_ = false;
  bool closing_ = false;
  bool half_closed_ = false;
  bool ended_ = false;
};

}  // namespace sstplb::tunnel
