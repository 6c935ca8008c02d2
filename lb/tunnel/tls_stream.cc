// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tls_stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lb/tunnel/openssl_ptr.h"
#include "lb/tunnel/wire_bio.h"

namespace sstplb::tunnel {
namespace {

constexpr std::size_t kBlock = 16 * 1024;
constexpr std::size_t kMaxQueue = 1024 * 1024;
// Above this much unsent, nothing more is read: a peer that does not read gets no more answers.
constexpr std::size_t kPauseReading = 256 * 1024;
constexpr Duration kLinger = std::chrono::seconds(1);

}  // namespace

TlsStream::TlsStream(Loop& loop, TlsStreamHandler& handler, const TlsContext& context, Role role,
                     Fd fd)
    : handler_(handler),
      fd_(std::move(fd)),
      wire_(std::make_unique<Wire>()),
      ssl_(SSL_new(context.get())),
      io_(loop.ev()),
      linger_(loop.ev()) {
  BIO* bio = NewWireBio(*wire_);
  SSL_set_bio(ssl_, bio, bio);
  if (role == Role::kServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
  io_.set<TlsStream, &TlsStream::OnIo>(this);
  linger_.set<TlsStream, &TlsStream::OnLinger>(this);
}

TlsStream::~TlsStream() {
  io_.stop();
  linger_.stop();
  // Else OpenSSL takes the session for a broken one and will not resume it.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

void TlsStream::SetServerName(const std::string& sni) {
  if (!sni.empty()) SSL_set_tlsext_host_name(ssl_, sni.c_str());
}

void TlsStream::Resume(const TlsSession& session) {
  if (session != nullptr) SSL_set_session(ssl_, session.get());
}

void TlsStream::Start(ByteView received) {
  io_.set(fd_.get(), ev::READ);
  io_.start();
  Pump(received);
}

void TlsStream::Send(ByteView data) {
  if (ended_ || closing_ || !ready_ || data.empty()) return;
  ERR_clear_error();
  if (SSL_write(ssl_, data.data(), static_cast<int>(data.size())) <= 0) {
    End(StreamEnd::kTlsError, OpensslError());
    return;
  }
  Flush();
}

std::size_t TlsStream::queued() const { return wire_->out.size() - queue_at_; }

void TlsStream::Close() {
  if (ended_ || closing_) return;
  closing_ = true;
  if (ready_) SSL_shutdown(ssl_);
  ERR_clear_error();
  linger_.start(EvSeconds(kLinger), 0);
  Flush();
}

void TlsStream::Reset() {
  if (ended_) return;
  ended_ = true;
  io_.stop();
  linger_.stop();
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.Reset();
}

void TlsStream::Detach() {
  if (ended_) return;
  if (ready_ && !closing_) {
    closing_ = true;
    const bool waiting = queued() > 0;
    SSL_shutdown(ssl_);
    ERR_clear_error();
    // Only when nothing waits before it: half a record is no goodbye.
    if (!waiting) ::send(fd_.get(), wire_->out.data(), wire_->out.size(), MSG_NOSIGNAL);
  }
  ended_ = true;
  io_.stop();
  linger_.stop();
  fd_.Reset();
}

bool TlsStream::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsStream::version() const { return SSL_get_version(ssl_); }

std::string TlsStream::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

Bytes TlsStream::PeerCertificate() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  Bytes bytes(der, der + (size > 0 ? size : 0));
  OPENSSL_free(der);
  return bytes;
}

TlsSession TlsStream::Session() const {
  SSL_SESSION* session = SSL_get1_session(ssl_);
  if (session == nullptr) return nullptr;
  TlsSession owned(session, SSL_SESSION_free);
  return SSL_SESSION_is_resumable(session) == 1 ? owned : nullptr;
}

void TlsStream::OnIo(ev::io&, int events) {
  if ((events & ev::WRITE) != 0) Flush();
  if (ended_ || (events & ev::READ) == 0) return;
  ReadSocket();
}

void TlsStream::OnLinger(ev::timer&, int) { End(StreamEnd::kClosed, "the peer kept it open"); }

// One block per turn of the loop, so that one busy connection does not starve the others.
void TlsStream::ReadSocket() {
  std::array<std::uint8_t, kBlock> block;
  const ssize_t got = ::recv(fd_.get(), block.data(), block.size(), 0);
  if (got > 0) {
    // A peer's records are not even decrypted once this side has closed.
    if (!half_closed_) Pump(ByteView(block.data(), static_cast<std::size_t>(got)));
    return;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) {
    End(closing_ ? StreamEnd::kClosed : StreamEnd::kReset, std::strerror(errno));
  } else {
    End(closing_ ? StreamEnd::kClosed : StreamEnd::kEof, ready_ ? "" : "in the TLS handshake");
  }
}

// All of it is taken: what OpenSSL cannot use yet, it keeps.
void TlsStream::Pump(ByteView received) {
  wire_->in = received;
  if (ready_ || Handshake()) {
    if (!ended_) ReadRecords();
    if (!ended_) Flush();
  }
  wire_->in = {};
}

bool TlsStream::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  const int error = SSL_get_error(ssl_, result);
  const std::string why = result == 1 || error == SSL_ERROR_WANT_READ ? "" : OpensslError();
  Flush();  // of a failed handshake, the alert
  if (ended_) return false;
  if (result != 1) {
    if (!why.empty()) End(StreamEnd::kTlsError, why);
    return false;
  }
  ready_ = true;
  if (!closing_) handler_.OnTlsReady();
  return true;
}

void TlsStream::ReadRecords() {
  std::array<std::uint8_t, kBlock> block;
  while (!ended_) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, block.data(), static_cast<int>(block.size()));
    if (got > 0) {
      if (!closing_) handler_.OnTlsData({block.data(), static_cast<std::size_t>(got)});
      continue;
    }
    const int error = SSL_get_error(ssl_, got);
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      End(closing_ ? StreamEnd::kClosed : StreamEnd::kEof, "close_notify");
    } else {
      const std::string why = OpensslError();
      Flush();
      End(StreamEnd::kTlsError, why);
    }
  }
}

void TlsStream::Flush() {
  if (ended_) return;
  if (!WriteSocket()) return;
  if (queue_at_ > kPauseReading) {
    Bytes& queue = wire_->out;
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(queue_at_));
    queue_at_ = 0;
  }
  if (queued() > kMaxQueue) {
    End(StreamEnd::kOverflow, "the peer does not read");
    return;
  }
  if (closing_ && queued() == 0 && !half_closed_) {
    half_closed_ = true;
    ::shutdown(fd_.get(), SHUT_WR);
  }
  Rearm();
}

bool TlsStream::WriteSocket() {
  const Bytes& queue = wire_->out;
  while (queue_at_ < queue.size()) {
    const ssize_t wrote =
        ::send(fd_.get(), queue.data() + queue_at_, queue.size() - queue_at_, MSG_NOSIGNAL);
    if (wrote >= 0) {
      queue_at_ += static_cast<std::size_t>(wrote);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR) {
      End(closing_ ? StreamEnd::kClosed : StreamEnd::kReset, std::strerror(errno));
      return false;
    }
  }
  // An idle connection holds no buffer.
  wire_->out = Bytes();
  queue_at_ = 0;
  return true;
}

void TlsStream::Rearm() {
  const int interest = (queued() > 0 ? ev::WRITE : 0) | (queued() < kPauseReading ? ev::READ : 0);
  if (io_.is_active() && io_.events == interest) return;
  io_.stop();
  io_.set(fd_.get(), interest);
  io_.start();
}

void TlsStream::End(StreamEnd end, const std::string& detail) {
  if (ended_) return;
  ended_ = true;
  io_.stop();
  linger_.stop();
  fd_.Reset();
  handler_.OnTlsEnd(end, detail);
}

}  // namespace sstplb::tunnel
