// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tunnel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lb/tunnel/icmp.h"

namespace sstplb::tunnel {
namespace {

using sstp::MessageType;

constexpr Duration kShortestTick = std::chrono::milliseconds(10);
constexpr Duration kLongestTick = std::chrono::seconds(1);
constexpr Duration kPppRepeat = std::chrono::seconds(1);
constexpr std::size_t kMaxPingPayload = 1200;
constexpr std::uint16_t kPingId = 0x5353;

TlsStreamHandler& AsHandler(TlsStreamHandler& handler) { return handler; }

std::string CorrelationId() {
  std::array<std::uint8_t, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 4122: random
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return sstp::FormatGuid(bytes);
}

unsigned RandomSeed() {
  unsigned seed = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  return seed;
}

// A socket that connects; errno says why when it is not valid.
Fd OpenSocket(const TunnelOptions& options) {
  Fd fd(::socket(options.server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_storage storage{};
  if (options.source) {
    // The port is chosen at connect, so that it need only be free towards this server.
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const socklen_t size = SocketAddress{*options.source, 0}.ToSockaddr(storage);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return Fd();
  }
  const socklen_t size = options.server.ToSockaddr(storage);
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size);
  if (result != 0 && errno != EINPROGRESS) return Fd();
  return fd;
}

}  // namespace

Tunnel::Tunnel(Loop& loop, const TlsContext& context, TunnelOptions options,
               TunnelObserver* observer)
    : loop_(loop),
      context_(context),
      options_(std::move(options)),
      observer_(observer),
      connect_(loop.ev()),
      tick_(loop.ev()),
      random_(RandomSeed()),
      later_(loop) {
  connect_.set<Tunnel, &Tunnel::OnConnected>(this);
  tick_.set<Tunnel, &Tunnel::OnTick>(this);
}

Tunnel::~Tunnel() {
  connect_.stop();
  tick_.stop();
}

void Tunnel::Start() {
  if (report_.state != TunnelState::kIdle) return;
  Duration tick = std::min({kLongestTick, options_.setup_timeout / 4, options_.silence_timeout / 4,
                            options_.disconnect_timeout / 4});
  for (const Duration interval : {options_.echo_interval, options_.ping_interval}) {
    if (interval.count() > 0) tick = std::min(tick, interval / 2);
  }
  tick = std::max(tick, kShortestTick);
  tick_.start(EvSeconds(tick), EvSeconds(tick));
  Connect();
}

void Tunnel::Connect() {
  const TunnelEnd before = report_.end;
  TunnelReport fresh;
  fresh.end = before;
  fresh.attempts = report_.attempts + 1;
  fresh.times_up = report_.times_up;
  fresh.echoes_sent = report_.echoes_sent;
  fresh.echoes_answered = report_.echoes_answered;
  fresh.pings_sent = report_.pings_sent;
  fresh.pings_answered = report_.pings_answered;
  report_ = std::move(fresh);
  buffer_.clear();
  ppp_.reset();
  ending_ = TunnelEnd::kNone;
  attempt_at_ = step_at_ = Clock::now();
  fd_ = OpenSocket(options_);
  if (!fd_.valid()) {
    Finish(TunnelEnd::kConnectFailed, std::strerror(errno));
    return;
  }
  connect_.start(fd_.get(), ev::WRITE);
  Enter(TunnelState::kTcp);
}

void Tunnel::OnConnected(ev::io&, int) {
  connect_.stop();
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    Finish(TunnelEnd::kConnectFailed, std::strerror(error));
    return;
  }
  report_.local = LocalAddress(fd_.get()).value_or(SocketAddress{});
  StepDone(&TunnelSteps::tcp);
  stream_ = std::make_unique<TlsStream>(loop_, AsHandler(*this), context_, TlsStream::Role::kClient,
                                        std::move(fd_));
  stream_->SetServerName(options_.sni);
  if (options_.resume) stream_->Resume(session_);
  Enter(TunnelState::kTls);
  if (stream_ != nullptr) stream_->Start();
}

void Tunnel::OnTlsReady() {
  StepDone(&TunnelSteps::tls);
  report_.resumed = stream_->resumed();
  report_.tls_version = stream_->version();
  report_.certificate = CertificateHash(sstp::kHashSha256, stream_->PeerCertificate());
  Enter(TunnelState::kPost);
  Send(AsBytes(sstp::BuildPost({options_.host, CorrelationId(), std::string(sstp::kPath)})));
}

void Tunnel::OnTlsData(ByteView data) {
  heard_ = Clock::now();
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  if (report_.state == TunnelState::kPost) OnHttp();
  if (report_.state != TunnelState::kPost) OnSstp();
}

void Tunnel::OnHttp() {
  const sstp::ResponseResult answer = sstp::ParseResponse(buffer_);
  if (answer.state == sstp::ParseState::kNeedMore) return;
  if (answer.state == sstp::ParseState::kBad) {
    Fail(TunnelEnd::kBadAnswer, answer.why);
    return;
  }
  report_.server_header = answer.head.server;
  if (answer.head.status != 200) {
    Fail(TunnelEnd::kHttpRefused, std::to_string(answer.head.status) + " " + answer.head.reason);
    return;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(answer.size));
  StepDone(&TunnelSteps::post);
  Enter(TunnelState::kCall);
  Send(sstp::EncodeCallConnectRequest());
}

void Tunnel::OnSstp() {
  std::size_t used = 0;
  while (Live() || report_.state == TunnelState::kStopping) {
    const sstp::PacketResult next = sstp::NextPacket(ByteView(buffer_).subspan(used));
    if (next.state == sstp::ParseState::kBad) Fail(TunnelEnd::kBadAnswer, next.why);
    if (next.state != sstp::ParseState::kParsed) break;
    used += next.packet.size;
    OnPacket(next.packet);
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Tunnel::OnPacket(const sstp::Packet& packet) {
  if (!packet.control) {
    if (ppp_ && Live()) OnFrame(packet.body);
    return;
  }
  const auto message = sstp::ParseControl(packet.body);
  if (message.ok()) {
    OnControl(*message);
  } else {
    Fail(TunnelEnd::kBadAnswer, message.error().message);
  }
}

void Tunnel::OnControl(const sstp::ControlMessage& message) {
  if (report_.state == TunnelState::kStopping) {
    // The server's own Disconnect may cross this side's; nothing but its close is waited for.
    return;
  }
  const auto status = sstp::FindStatusInfo(message);
  const std::string detail(status ? ToString(status->status) : "");
  switch (message.type) {
    case MessageType::kCallConnectAck:
      OnAck(message);
      return;
    case MessageType::kCallConnectNak:
      Fail(TunnelEnd::kNak, detail);
      return;
    case MessageType::kCallAbort:
      Fail(TunnelEnd::kAborted, detail);
      return;
    case MessageType::kCallDisconnect:
      Send(sstp::EncodeControl(MessageType::kCallDisconnectAck));
      Fail(TunnelEnd::kDisconnected, detail);
      return;
    case MessageType::kEchoRequest:
      Send(sstp::EncodeControl(MessageType::kEchoResponse));
      return;
    case MessageType::kEchoResponse:
      ++report_.echoes_answered;
      return;
    default:
      Fail(TunnelEnd::kBadAnswer, "an unexpected " + std::string(ToString(message.type)));
  }
}

void Tunnel::OnAck(const sstp::ControlMessage& message) {
  const auto request = sstp::FindCryptoBindingRequest(message);
  if (report_.state != TunnelState::kCall || !request) {
    Fail(TunnelEnd::kBadAnswer, "a Call Connect Ack out of place");
    return;
  }
  offered_ = *request;
  StepDone(&TunnelSteps::call);
  ppp_.emplace(PppOptions{false, options_.user, options_.password,
                          static_cast<std::uint32_t>(random_()) | 1U, IpAddress(), IpAddress()});
  ppp_at_ = Clock::now();
  Enter(TunnelState::kPpp);
  std::vector<Bytes> frames;
  ppp_->Start(frames);
  SendFrames(frames);
}

void Tunnel::OnFrame(ByteView payload) {
  const std::optional<PppFrame> frame = ParseFrame(payload);
  if (!frame) return;
  if (frame->protocol == kPppIpv4) {
    OnPong(frame->content);
    return;
  }
  const bool network_before = ppp_->phase() >= PppLink::Phase::kNetwork;
  std::vector<Bytes> frames;
  ppp_->OnFrame(*frame, frames);
  const PppLink::Phase phase = ppp_->phase();
  if (phase == PppLink::Phase::kEnded) {
    SendFrames(frames);
    Fail(TunnelEnd::kPppFailed, ppp_->why());
    return;
  }
  if (!network_before && phase >= PppLink::Phase::kNetwork) {
    // Once authenticated and before any data of the upper layer (MS-SSTP 3.2.5.2).
    const std::uint8_t hash =
        (offered_.hash_mask & sstp::kHashSha256) != 0 ? sstp::kHashSha256 : sstp::kHashSha1;
    Send(sstp::EncodeCallConnected(
        MakeBinding(hash, offered_.nonce, stream_->PeerCertificate(), Hlak{})));
  }
  SendFrames(frames);
  if (report_.state != TunnelState::kPpp || phase != PppLink::Phase::kOpen) return;
  report_.address = ppp_->own();
  report_.gateway = ppp_->peer();
  ++report_.times_up;
  backoff_ = {};
  echo_at_ = Clock::now();
  ping_at_ = TimePoint{};
  StepDone(&TunnelSteps::ppp);
  Enter(TunnelState::kUp);
}

void Tunnel::OnPong(ByteView packet) {
  const std::optional<IcmpEcho> echo = ParseEcho(packet);
  if (!echo || !echo->reply || echo->id != kPingId || echo->sequence != ping_sequence_) return;
  ++report_.pings_answered;
  report_.last_ping = Clock::now() - ping_sent_at_;
}

// Whatever is called out to may end the attempt, and the stream with it.
void Tunnel::Send(ByteView bytes) {
  if (stream_ != nullptr) stream_->Send(bytes);
}

void Tunnel::SendFrames(const std::vector<Bytes>& frames) {
  for (const Bytes& frame : frames) Send(sstp::EncodeData(frame));
}

void Tunnel::Ping() {
  const Bytes payload(std::min(options_.ping_payload, kMaxPingPayload), 0x5a);
  IcmpEcho echo{false, report_.address, report_.gateway, kPingId, ++ping_sequence_, payload};
  ++report_.pings_sent;
  ping_sent_at_ = Clock::now();
  SendFrames({BuildFrame(kPppIpv4, BuildEcho(echo))});
}

void Tunnel::Echo() {
  ++report_.echoes_sent;
  Send(sstp::EncodeControl(MessageType::kEchoRequest));
}

void Tunnel::OnTick(ev::timer&, int) {
  const TimePoint now = Clock::now();
  const auto due = [now](Duration every, TimePoint& last) {
    if (every.count() == 0 || now - last < every) return false;
    last = now;
    return true;
  };
  const bool setting_up = Live() && report_.state != TunnelState::kUp;
  if (setting_up && now - attempt_at_ >= options_.setup_timeout) {
    Fail(TunnelEnd::kTimeout, "at " + std::string(ToString(report_.state)));
  } else if (report_.state == TunnelState::kPpp && due(kPppRepeat, ppp_at_)) {
    std::vector<Bytes> frames;
    ppp_->OnTick(frames);
    SendFrames(frames);
  }
  if (report_.state != TunnelState::kUp) return;
  if (now - heard_ >= options_.silence_timeout) {
    Fail(TunnelEnd::kSilent, "nothing came");
    return;
  }
  if (due(options_.echo_interval, echo_at_)) Echo();
  if (report_.state == TunnelState::kUp && due(options_.ping_interval, ping_at_)) Ping();
}

void Tunnel::Stop() {
  if (stopped_) return;
  stopped_ = true;
  if (!Live()) {
    if (report_.state == TunnelState::kStopping) return;
    later_.Clear();
    if (report_.state != TunnelState::kEnded) Finish(TunnelEnd::kStopped, "");
    return;
  }
  if (!Called()) {
    Finish(TunnelEnd::kStopped, "");
    return;
  }
  // A call that was asked for is given back in order: the server closes, not this side.
  ending_ = TunnelEnd::kStopped;
  Enter(TunnelState::kStopping);
  later_.After(options_.disconnect_timeout, [this] { Finish(ending_, ending_detail_); });
  Send(sstp::EncodeControl(MessageType::kCallDisconnect));
}

void Tunnel::Break() {
  if (stream_ != nullptr) stream_->Reset();
  if (Live() || report_.state == TunnelState::kStopping) Finish(TunnelEnd::kReset, "by this side");
}

void Tunnel::OnTlsEnd(StreamEnd end, const std::string& detail) {
  if (ending_ != TunnelEnd::kNone) {
    Finish(ending_, ending_detail_);
    return;
  }
  const bool handshake = report_.state == TunnelState::kTls;
  switch (end) {
    case StreamEnd::kReset:
      Finish(TunnelEnd::kReset, detail);
      return;
    case StreamEnd::kTlsError:
      Finish(TunnelEnd::kTlsFailed, detail);
      return;
    case StreamEnd::kEof:
    case StreamEnd::kClosed:
    case StreamEnd::kOverflow:
      Finish(handshake ? TunnelEnd::kTlsFailed : TunnelEnd::kClosed, detail);
  }
}

void Tunnel::StepDone(Duration TunnelSteps::*step) {
  const TimePoint now = Clock::now();
  report_.steps.*step = now - step_at_;
  step_at_ = now;
}

void Tunnel::Enter(TunnelState state) {
  report_.state = state;
  if (state <= TunnelState::kUp) report_.reached = state;
  if (observer_ != nullptr) observer_->OnTunnelChanged(report_);
}

// The call is over for a reason that the server gave, or that this side found. A call that
// was asked for is not just dropped: that would cost some servers an address.
void Tunnel::Fail(TunnelEnd end, const std::string& detail) {
  if (!Live()) return;
  const bool told = end == TunnelEnd::kAborted || end == TunnelEnd::kDisconnected;
  if (!Called() || end == TunnelEnd::kSilent) {
    Finish(end, detail);
    return;
  }
  ending_ = end;
  ending_detail_ = detail;
  Enter(TunnelState::kStopping);
  later_.After(options_.disconnect_timeout, [this] { Finish(ending_, ending_detail_); });
  if (!told) Send(sstp::EncodeControl(MessageType::kCallAbort));
}

void Tunnel::Finish(TunnelEnd end, const std::string& detail) {
  connect_.stop();
  later_.Clear();
  fd_.Reset();
  if (stream_ != nullptr) {
    if (stream_->ready()) session_ = stream_->Session();
    // It may be the one that is calling: it goes with the loop's next turn.
    std::shared_ptr<TlsStream> last(std::move(stream_));
    if (!last->ended()) last->Detach();
    loop_.Post([last = std::move(last)]() mutable { last.reset(); });
  }
  report_.end = end;
  report_.detail = detail;
  ending_ = TunnelEnd::kNone;
  ending_detail_.clear();
  if (stopped_ || !options_.reconnect) {
    tick_.stop();
    Enter(TunnelState::kEnded);
  } else {
    Later();
  }
}

void Tunnel::Later() {
  backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
  // Half of it is drawn, so that the clients of a lost server do not come back all at once.
  const double share = 0.5 + 0.5 * std::uniform_real_distribution<double>()(random_);
  const Duration wait(static_cast<Duration::rep>(static_cast<double>(backoff_.count()) * share));
  Enter(TunnelState::kWaiting);
  if (!stopped_) later_.After(wait, [this] { Connect(); });
}

bool Tunnel::Live() const {
  return report_.state >= TunnelState::kTcp && report_.state <= TunnelState::kUp;
}

bool Tunnel::Called() const { return Live() && report_.state >= TunnelState::kCall; }

}  // namespace sstplb::tunnel
