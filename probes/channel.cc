// SPDX-License-Identifier: Apache-2.0
#include "probes/channel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sstplb::probes {
namespace {

constexpr std::size_t kChunk = 4096;
// What a peer may still say after goodbye before it is dropped with a reset.
constexpr std::size_t kMaxDiscarded = 256 * 1024;

std::string ErrnoText(int error) { return std::strerror(error); }

Trouble ConnectTrouble(int error) {
  switch (error) {
    case ECONNREFUSED:
      return {Outcome::kConnectRefused, {}};
    case ECONNRESET:
    case ECONNABORTED:
      return {Outcome::kClosedAtOnce, "reset while connecting"};
    case ETIMEDOUT:
      return {Outcome::kConnectTimeout, {}};
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENOPROTOOPT:
      return {Outcome::kConnectUnreachable, ErrnoText(error)};
    // No packet has left, mostly: the backend may be well, and so may the sessions that it has.
    case ENETUNREACH:
    case ENETDOWN:
    case ENONET:
    case EACCES:
    case EPERM:
      return {Outcome::kNoRoute, ErrnoText(error)};
    default:  // EADDRNOTAVAIL, EMFILE, ENOBUFS, ...
      return {Outcome::kLocalError, "connect: " + ErrnoText(error)};
  }
}

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

Status BindTo(int fd, const IpAddress& from) {
  const int on = 1;
  // The port is chosen by connect(), per destination: many more than 64k connections fit.
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress{from, 0}.ToSockaddr(storage);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0) return Done{};
  return Error{"bind " + from.ToString() + ": " + ErrnoText(errno)};
}

// "sslv3 alert handshake failure" is how OpenSSL calls it; the registry says handshake_failure.
std::string AlertName(int alert) {
  std::string name = SSL_alert_desc_string_long(alert);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name + " (" + std::to_string(alert) + ")";
}

// Of the failure that OpenSSL has just put into its queue.
Trouble TlsTrouble() {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
      reason < SSL_AD_REASON_OFFSET + 256) {
    return {Outcome::kTlsAlert, AlertName(reason - SSL_AD_REASON_OFFSET)};
  }
  const char* text = ERR_reason_error_string(error);
  return {Outcome::kTlsProtocolError, text != nullptr ? text : "unknown TLS error"};
}

}  // namespace

Channel::Channel(Loop& loop) : io_(loop.ev()), timer_(loop.ev()) {
  io_.set<Channel, &Channel::OnIo>(this);
  timer_.set<Channel, &Channel::OnTimer>(this);
}

Channel::~Channel() {
  io_.stop();
  timer_.stop();
}

void Channel::Begin(Op op, int events, Done done) {
  op_ = op;
  done_ = std::move(done);
  Arm(events);
}

void Channel::Defer(std::optional<Trouble> trouble) {
  op_ = Op::kDeferred;
  deferred_ = std::move(trouble);
  timer_.start(0.0);
}

void Channel::Finish(const std::optional<Trouble>& trouble) {
  io_.stop();
  timer_.stop();
  op_ = Op::kIdle;
  const Done done = std::exchange(done_, nullptr);
  const std::optional<Trouble> own = trouble;  // it may be a member
  done(own);                                   // may destroy this
}

void Channel::Arm(int events) {
  io_.stop();
  io_.start(fd_.get(), events);
}

void Channel::OnIo(ev::io& /*watcher*/, int /*events*/) {
  switch (op_) {
    case Op::kConnect:
      return StepConnect();
    case Op::kHandshake:
      return StepHandshake();
    case Op::kWrite:
      return StepWrite();
    case Op::kRead:
      return StepRead();
    case Op::kClose:
      return StepClose();
    case Op::kIdle:
    case Op::kDeferred:
      io_.stop();
  }
}

void Channel::OnTimer(ev::timer& /*watcher*/, int /*events*/) {
  if (op_ == Op::kClose) fd_.Reset();
  Finish(std::exchange(deferred_, std::nullopt));
}

void Channel::Connect(const SocketAddress& to, const std::optional<IpAddress>& from, Done done) {
  to_ = to;
  done_ = std::move(done);
  fd_.Reset(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_.valid()) return Defer(Trouble{Outcome::kLocalError, "socket: " + ErrnoText(errno)});
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (from) {
    const Status bound = BindTo(fd_.get(), *from);
    if (!bound) return Defer(Trouble{Outcome::kLocalError, bound.error().message});
  }
  sockaddr_storage storage{};
  const socklen_t size = to.ToSockaddr(storage);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return Defer(ConnectTrouble(errno));
  }
  op_ = Op::kConnect;
  Arm(ev::WRITE);
}

void Channel::StepConnect() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Finish(ConnectTrouble(error));
  // A connection to a free local port may meet itself (simultaneous open, RFC 9293 3.5).
  if (local() == to_) return Finish(ConnectTrouble(ECONNREFUSED));
  Finish(std::nullopt);
}

void Channel::Handshake(SSL_CTX* context, const TlsOptions& options, Done done) {
  done_ = std::move(done);
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (!ssl_ || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    ssl_.reset();
    return Defer(Trouble{Outcome::kLocalError, "no memory for TLS"});
  }
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_connect_state(ssl_.get());
  SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
  if (!options.server_name.empty() && !IpAddress::Parse(options.server_name)) {
    SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
  }
  if (!options.alpn.empty()) {
    Bytes list;
    Writer writer(list);
    writer.U8(static_cast<std::uint8_t>(options.alpn.size()));
    writer.Raw(options.alpn);
    SSL_set_alpn_protos(ssl_.get(), list.data(), static_cast<unsigned>(list.size()));
  }
  op_ = Op::kHandshake;
  Arm(ev::WRITE);
}

void Channel::StepHandshake() {
  Receive();
  ERR_clear_error();
  const int answer = SSL_do_handshake(ssl_.get());
  const int why = SSL_get_error(ssl_.get(), answer);
  if (answer != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
    broken_ = TlsTrouble();
    DrainTls();
    Flush();  // our alert, as far as it goes
    return Finish(broken_);
  }
  DrainTls();
  Flush();
  if (answer == 1 && out_.empty()) {
    tls_up_ = true;
    return Finish(std::nullopt);
  }
  if (answer != 1 && eof_) return Finish(Trouble{Outcome::kTlsClosed, ClosedText()});
  Arm(out_.empty() ? ev::READ : ev::READ | ev::WRITE);
}

void Channel::Write(ByteView bytes, Done done) {
  if (tls_up_) {
    ERR_clear_error();
    // A memory BIO takes everything: there is no short write here.
    if (!bytes.empty()) SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    DrainTls();
  } else {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  Begin(Op::kWrite, ev::WRITE, std::move(done));
}

void Channel::StepWrite() {
  Flush();
  if (out_.empty()) Finish(std::nullopt);
}

void Channel::Read(Outcome closed, Done done) {
  closed_outcome_ = closed;
  Begin(Op::kRead, ev::READ, std::move(done));
  // What TLS holds already, the socket will not announce again.
  const bool known = peer_closed_ || broken_.has_value();
  if (known || (tls_up_ && SSL_has_pending(ssl_.get()) == 1)) io_.feed_event(ev::READ);
}

void Channel::StepRead() {
  Receive();
  if (tls_up_) {
    if (Decrypt()) return Finish(std::nullopt);
    if (broken_) return Finish(broken_);
  } else if (!in_.empty()) {
    return Finish(std::nullopt);
  }
  if (peer_closed_) return Finish(Trouble{closed_outcome_, ClosedText()});
}

void Channel::Consume(std::size_t size) {
  const auto taken = static_cast<std::ptrdiff_t>(std::min(size, in_.size()));
  in_.erase(in_.begin(), in_.begin() + taken);
}

void Channel::Close(Duration wait, std::function<void()> done) {
  io_.stop();
  timer_.stop();
  deferred_.reset();
  const bool goodbye = fd_.valid() && !eof_;
  if (goodbye) {
    if (tls_up_ && !broken_) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
      DrainTls();
    }
    Flush();
    ::shutdown(fd_.get(), SHUT_WR);
  }
  op_ = Op::kClose;
  done_ = [done = std::move(done)](const std::optional<Trouble>&) { done(); };
  discarded_ = 0;
  if (goodbye) Arm(ev::READ);
  timer_.start(goodbye ? EvSeconds(wait) : 0.0);
}

void Channel::StepClose() {
  std::array<std::uint8_t, kChunk> trash;
  const ssize_t got = ::recv(fd_.get(), trash.data(), trash.size(), 0);
  if (got < 0 && WouldBlock(errno)) return;
  if (got > 0) {
    discarded_ += static_cast<std::size_t>(got);
    if (discarded_ < kMaxDiscarded) return;
  }
  fd_.Reset();
  Finish(std::nullopt);
}

void Channel::Receive() {
  if (eof_) return;
  std::array<std::uint8_t, kChunk> chunk;
  const std::size_t room = ssl_ ? chunk.size() : std::min(chunk.size(), kMaxBuffered - in_.size());
  if (room == 0) return;
  const ssize_t got = ::recv(fd_.get(), chunk.data(), room, 0);
  if (got < 0 && WouldBlock(errno)) return;
  if (got <= 0) {
    if (got < 0) error_ = errno;
    eof_ = peer_closed_ = true;
    return;
  }
  received_ += static_cast<std::uint64_t>(got);
  if (ssl_) {
    BIO_write(SSL_get_rbio(ssl_.get()), chunk.data(), static_cast<int>(got));
  } else {
    in_.insert(in_.end(), chunk.begin(), chunk.begin() + got);
  }
}

void Channel::Flush() {
  while (!out_.empty()) {
    const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && WouldBlock(errno)) return;
    if (sent < 0) {
      error_ = errno;
      out_.clear();
      return;
    }
    out_.erase(out_.begin(), out_.begin() + sent);
  }
}

void Channel::DrainTls() {
  BIO* bio = SSL_get_wbio(ssl_.get());
  std::array<std::uint8_t, kChunk> chunk;
  int got = 0;
  while ((got = BIO_read(bio, chunk.data(), static_cast<int>(chunk.size()))) > 0) {
    out_.insert(out_.end(), chunk.begin(), chunk.begin() + got);
  }
}

bool Channel::Decrypt() {
  std::array<std::uint8_t, kChunk> chunk;
  bool any = false;
  while (in_.size() < kMaxBuffered) {
    const std::size_t room = std::min(chunk.size(), kMaxBuffered - in_.size());
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), chunk.data(), static_cast<int>(room));
    if (got > 0) {
      in_.insert(in_.end(), chunk.begin(), chunk.begin() + got);
      any = true;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), got);
    if (why == SSL_ERROR_ZERO_RETURN) peer_closed_ = true;
    if (!broken_ && (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL)) broken_ = TlsTrouble();
    break;
  }
  DrainTls();  // answers to key updates
  Flush();
  return any;
}

std::string Channel::ClosedText() const {
  return error_ == 0 ? "closed" : error_ == ECONNRESET ? "reset" : ErrnoText(error_);
}

}  // namespace sstplb::probes
