// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/server_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "proxyproto/parse.h"

namespace sstplb::demo {
namespace {

constexpr std::size_t kMaxProxyHeader = 4096;
constexpr std::size_t kMaxPath = 256;
constexpr std::array<std::uint8_t, 7> kHandshakeFailure = {0x15, 3, 3, 0, 2, 2, 40};
constexpr std::uint8_t kHandshakeRecord = 0x16;
constexpr Duration kShortestTick = std::chrono::milliseconds(10);
constexpr Duration kLongestTick = std::chrono::seconds(1);

std::string_view ReasonOf(int status) {
  switch (status) {
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 501:
      return "Method Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Refused";
  }
}

bool IsSstpTarget(std::string_view target) {
  return target.size() <= kMaxPath && target.substr(0, target.find('?')) == sstp::kPath;
}

}  // namespace

ServerSession::ServerSession(ServerShared& shared, std::uint64_t id, Fd fd, Ended ended)
    : shared_(shared),
      id_(id),
      ended_(std::move(ended)),
      fd_(std::move(fd)),
      peer_(PeerAddress(fd_.get()).value_or(SocketAddress{})),
      raw_(shared.loop.ev()),
      tick_(shared.loop.ev()),
      born_(Clock::now()),
      call_(*this, shared.options, shared.certificate.der, shared.pool, shared.counters),
      later_(shared.loop) {
  raw_.set<ServerSession, &ServerSession::OnRaw>(this);
  tick_.set<ServerSession, &ServerSession::OnTick>(this);
}

ServerSession::~ServerSession() {
  raw_.stop();
  tick_.stop();
}

void ServerSession::Start() {
  const ServerOptions& options = shared_.options;
  if (!options.proxy_header) phase_ = Phase::kHello;
  if (fault().kind == FaultKind::kHangAtAccept) phase_ = Phase::kHold;
  const Duration tick =
      std::clamp(std::min(options.negotiation_timeout, options.hello_interval) / 4, kShortestTick,
                 kLongestTick);
  tick_.start(EvSeconds(tick), EvSeconds(tick));
  raw_.start(fd_.get(), ev::READ);
}

void ServerSession::Reset() {
  if (phase_ == Phase::kEnded) return;
  closed_here_ = true;
  if (stream_ != nullptr) {
    stream_->Reset();
  } else {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  Finish(false);
}

void ServerSession::Close() {
  if (call_.connected() && !call_.ending()) {
    SendPacket(sstp::EncodeControl(sstp::MessageType::kCallDisconnect));
  }
  CloseConnection();
}

std::optional<TunnelInfo> ServerSession::tunnel() const {
  if (!call_.address()) return std::nullopt;
  return TunnelInfo{peer_, client_, stream_->server_name(), *call_.address(), call_.connected()};
}

void ServerSession::OnRaw(ev::io&, int) {
  std::array<std::uint8_t, kMaxProxyHeader> block;
  const ssize_t got = ::recv(fd_.get(), block.data(), block.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    Finish(true);
    return;
  }
  if (phase_ == Phase::kHold) return;
  buffer_.insert(buffer_.end(), block.begin(), block.begin() + got);
  if (phase_ == Phase::kProxy && !TakeProxyHeader()) return;
  if (phase_ == Phase::kHello && !buffer_.empty()) OnHello();
}

// False when there is more to wait for, or when the session is over.
bool ServerSession::TakeProxyHeader() {
  const proxyproto::ParseResult parsed = proxyproto::Parse(buffer_, kMaxProxyHeader);
  if (parsed.verdict == proxyproto::Verdict::kNeedMore) return false;
  if (parsed.verdict != proxyproto::Verdict::kOk) {
    closed_here_ = true;
    Finish(false);
    return false;
  }
  ++shared_.counters.proxy_headers;
  client_ = parsed.header.source;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(parsed.size));
  phase_ = Phase::kHello;
  shared_.changed();
  return true;
}

void ServerSession::OnHello() {
  // What is no TLS record, a PROXY header that nobody asked for, say, gets no answer at all.
  if (buffer_.front() != kHandshakeRecord) {
    closed_here_ = true;
    return Finish(false);
  }
  switch (fault().kind) {
    case FaultKind::kHangAtTls:
      phase_ = Phase::kHold;
      buffer_.clear();
      return;
    case FaultKind::kTlsAlert:
      SendInsteadOfTls(AsText(kHandshakeFailure));
      return;
    case FaultKind::kNotTls:
      SendInsteadOfTls("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      return;
    default:
      phase_ = Phase::kTls;
      raw_.stop();
      EnterTls();
      Slowly([this] { StartTls(); });
  }
}

void ServerSession::SendInsteadOfTls(std::string_view bytes) {
  ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // Closed only when the client has, or soon: a close over unread bytes would be a reset.
  ::shutdown(fd_.get(), SHUT_WR);
  closed_here_ = true;
  phase_ = Phase::kHold;
  later_.After(kLongestTick, [this] { Finish(false); });
}

void ServerSession::StartTls() {
  tunnel::TlsStreamHandler& handler = *this;
  stream_ = std::make_unique<tunnel::TlsStream>(shared_.loop, handler, shared_.context,
                                                tunnel::TlsStream::Role::kServer, std::move(fd_));
  const Bytes hello = std::exchange(buffer_, {});
  stream_->Start(hello);
}

void ServerSession::OnTick(ev::timer&, int) {
  const TimePoint now = Clock::now();
  call_.OnTick(now);
  if (had_tunnel_ || closed_here_ || now - born_ < shared_.options.negotiation_timeout) return;
  if (phase_ == Phase::kCall && call_.requested() && !call_.ending()) {
    call_.Abort({sstp::AttributeId::kNoError, sstp::StatusCode::kNegotiationTimeout});
  } else {
    CloseConnection();
  }
}

void ServerSession::EnterTls() {
  ServerCounters& counters = shared_.counters;
  in_tls_ = true;
  counters.most_in_tls = std::max<std::uint64_t>(counters.most_in_tls, ++counters.in_tls);
}

void ServerSession::LeaveTls() {
  if (std::exchange(in_tls_, false)) --shared_.counters.in_tls;
}

void ServerSession::OnTlsReady() {
  LeaveTls();
  ++shared_.counters.tls_done;
  if (stream_->resumed()) ++shared_.counters.tls_resumed;
  phase_ = Phase::kHttp;
  shared_.changed();
}

void ServerSession::OnTlsData(ByteView data) {
  if (phase_ == Phase::kAnswered && fault().kind == FaultKind::kHangAtPost) return;
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  if (phase_ == Phase::kHttp)
    OnHttp();
  else if (phase_ == Phase::kCall)
    OnSstp();
  // A client that goes on before it was answered may only go so far.
  else if (buffer_.size() > sstp::kMaxHeadSize)
    CloseConnection();
}

void ServerSession::OnHttp() {
  const sstp::RequestResult request = sstp::ParseRequest(buffer_);
  if (request.state == sstp::ParseState::kNeedMore) return;
  if (request.state == sstp::ParseState::kBad) {
    CloseConnection();
    return;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(request.size));
  const bool post = request.head.method == sstp::kMethod;
  ++(post ? shared_.counters.posts : shared_.counters.other_requests);
  phase_ = Phase::kAnswered;
  shared_.changed();
  Slowly([this, head = request.head] { AnswerRequest(head); });
}

void ServerSession::AnswerRequest(const sstp::RequestHead& head) {
  const Personality& like = shared_.options.personality;
  const bool post = head.method == sstp::kMethod;
  int wrong = !post ? like.wrong_method : IsSstpTarget(head.target) ? 200 : like.wrong_target;
  const std::string& host = shared_.options.host_name;
  if (wrong == 200 && !host.empty() && head.host != host) wrong = 404;
  if (post && fault().kind == FaultKind::kHangAtPost) return;
  if (fault().kind == FaultKind::kCloseAfterPost || wrong == 0) {
    CloseConnection();
  } else if (fault().kind == FaultKind::kPlainOk) {
    AnswerWith(200, "OK");
  } else if (fault().kind == FaultKind::kHttpStatus) {
    AnswerWith(fault().http_status, std::string(ReasonOf(fault().http_status)));
  } else if (wrong != 200) {
    AnswerWith(wrong, std::string(ReasonOf(wrong)));
  } else {
    AnswerWith(200, fault().kind == FaultKind::kEmptyReason ? "" : like.reason);
  }
}

void ServerSession::AnswerWith(int status, const std::string& reason) {
  const Personality& like = shared_.options.personality;
  const bool ok = status == 200 && fault().kind != FaultKind::kPlainOk;
  if (ok) phase_ = Phase::kCall;
  stream_->Send(sstp::BuildResponse({.status = status,
                                     .reason = reason,
                                     .server = like.server,
                                     .content_length = ok ? sstp::kEndless : 0,
                                     .before_server = like.before_server,
                                     .after_server = like.after_server}));
  if (ok) {
    OnSstp();
  } else {
    CloseConnection();
  }
}

void ServerSession::Slowly(std::function<void()> step) {
  if (fault().kind == FaultKind::kSlow) {
    later_.After(fault().delay, std::move(step));
  } else {
    step();
  }
}

void ServerSession::OnSstp() {
  std::size_t used = 0;
  while (phase_ == Phase::kCall && !ResetDue()) {
    const sstp::PacketResult next = sstp::NextPacket(ByteView(buffer_).subspan(used));
    if (next.state == sstp::ParseState::kNeedMore) break;
    if (next.state == sstp::ParseState::kBad) {
      CloseConnection();
      return;
    }
    used += next.packet.size;
    sstp_bytes_ += next.packet.size;
    shared_.counters.bytes_in += next.packet.size;
    call_.OnPacket(next.packet, Clock::now());
    had_tunnel_ = had_tunnel_ || call_.connected();
  }
  if (phase_ == Phase::kCall) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

bool ServerSession::ResetDue() {
  if (fault().kind != FaultKind::kReset || buffer_.empty()) return false;
  if (sstp_bytes_ < fault().bytes) return false;
  Reset();
  return true;
}

void ServerSession::SendPacket(const Bytes& packet) {
  if (phase_ != Phase::kCall) return;
  sstp_bytes_ += packet.size();
  shared_.counters.bytes_out += packet.size();
  const ByteView bytes(packet);
  if (shared_.options.personality.join_records) {
    if (joined_.empty()) later_.After(Duration::zero(), [this] { SendJoined(); });
    joined_.insert(joined_.end(), packet.begin(), packet.end());
    return;
  }
  if (shared_.options.personality.split_records) {
    stream_->Send(bytes.first(sstp::kHeaderSize));
    stream_->Send(bytes.subspan(sstp::kHeaderSize));
  } else {
    stream_->Send(bytes);
  }
}

void ServerSession::SendJoined() {
  const Bytes all = std::exchange(joined_, {});
  if (!all.empty() && stream_ != nullptr) stream_->Send(all);
}

void ServerSession::After(Duration delay, std::function<void()> task) {
  if (phase_ != Phase::kEnded) later_.After(delay, std::move(task));
}

void ServerSession::CloseConnection() {
  if (phase_ == Phase::kEnded || closed_here_) return;
  if (fault().kind == FaultKind::kNeverClose && call_.ending()) return;
  closed_here_ = true;
  SendJoined();
  if (stream_ != nullptr) {
    stream_->Close();
  } else {
    Finish(false);
  }
}

void ServerSession::OnTlsEnd(tunnel::StreamEnd, const std::string&) { Finish(!closed_here_); }

void ServerSession::Finish(bool by_client) {
  if (phase_ == Phase::kEnded) return;
  call_.OnLost(by_client, Clock::now());
  if (!had_tunnel_) ++shared_.counters.probe_like;
  LeaveTls();
  phase_ = Phase::kEnded;
  raw_.stop();
  tick_.stop();
  later_.Clear();
  fd_.Reset();
  ended_(*this);
}

}  // namespace sstplb::demo
