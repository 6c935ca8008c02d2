// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tunnel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sstplb::tunnel {
namespace {

using sstp::MessageType;

constexpr Duration kShortestTick = std::chrono::milliseconds(10);
constexpr Duration kLongestTick = std::chrono::seconds(1);
constexpr Duration kPppRepeat = std::chrono::seconds(1);

TlsStreamHandler& AsHandler(TlsStreamHandler& handler) { return handler; }

unsigned RandomSeed() {
  unsigned seed = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  return seed;
}

// Whose fault it is that there is no connection.
TunnelEnd ConnectEnd(int error) {
  switch (error) {
    case EADDRNOTAVAIL:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return TunnelEnd::kLocalError;
    default:
      return TunnelEnd::kConnectFailed;
  }
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
  Duration tick = std::min({kLongestTick, options_.step_timeout / 4, options_.silence_timeout / 4});
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
  called_ = false;
  step_at_ = Clock::now();
  fd_ = OpenSocket(options_);
  if (!fd_.valid()) {
    Finish(ConnectEnd(errno), std::strerror(errno));
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
    Finish(ConnectEnd(error), std::strerror(error));
    return;
  }
  report_.local = LocalAddress(fd_.get()).value_or(SocketAddress{});
  // A connection to a free local port may meet itself (simultaneous open, RFC 9293 3.5).
  if (report_.local == options_.server) {
    Finish(ConnectEnd(ECONNREFUSED), std::strerror(ECONNREFUSED));
    return;
  }
  stream_ = std::make_unique<TlsStream>(loop_, AsHandler(*this), context_, TlsStream::Role::kClient,
                                        std::move(fd_));
  stream_->SetServerName(options_.sni);
  if (options_.resume) stream_->Resume(session_);
  const TimePoint now = Clock::now();
  report_.steps.tcp = now - step_at_;
  step_at_ = now;
  Enter(TunnelState::kTls);
  if (stream_ != nullptr) stream_->Start();
}

void Tunnel::OnTick(ev::timer&, int) {
  const TimePoint now = Clock::now();
  const auto due = [now](Duration every, TimePoint& last) {
    if (every.count() == 0 || now - last < every) return false;
    last = now;
    return true;
  };
  const bool setting_up = Live() && report_.state != TunnelState::kUp;
  if (setting_up && now - step_at_ >= options_.step_timeout) {
    Fail(TunnelEnd::kTimeout, "at " + std::string(ToString(report_.state)));
  } else if (report_.state == TunnelState::kPpp && due(kPppRepeat, ppp_at_)) {
    std::vector<Bytes> frames;
    ppp_->OnTick(frames);
    SendFrames(frames);
  }
  if (report_.state != TunnelState::kUp || !HasPpp()) return;
  if (now - heard_ >= options_.silence_timeout) {
    Fail(TunnelEnd::kSilent, "nothing came");
    return;
  }
  if (due(options_.echo_interval, echo_at_)) Echo();
  if (report_.state == TunnelState::kUp && due(options_.ping_interval, ping_at_)) {
    SendPayload(options_.ping_payload);
  }
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
  if (!called_) {
    Finish(TunnelEnd::kStopped, "");
    return;
  }
  // A call that was asked for is given back in order: the server closes, not this side.
  ending_ = TunnelEnd::kStopped;
  Enter(TunnelState::kStopping);
  later_.After(options_.disconnect_timeout, [this] { OnLeftOpen(); });
  Send(sstp::EncodeControl(MessageType::kCallDisconnect));
}

void Tunnel::OnLeftOpen() {
  const bool stopped = ending_ == TunnelEnd::kStopped;
  Finish(ending_, stopped ? "the server did not close" : ending_detail_);
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
      Finish(TunnelEnd::kClosed, detail);
  }
}

void Tunnel::Advance(Duration TunnelSteps::*done, TunnelDepth reached, TunnelState next) {
  const TimePoint now = Clock::now();
  report_.steps.*done = now - step_at_;
  step_at_ = now;
  if (reached != options_.depth) {
    Enter(next);
    return;
  }
  ++report_.times_up;
  backoff_ = {};
  echo_at_ = now;
  ping_at_ = TimePoint{};
  Enter(TunnelState::kUp);
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
  if (!called_ || end == TunnelEnd::kSilent) {
    Finish(end, detail);
    return;
  }
  ending_ = end;
  ending_detail_ = detail;
  Enter(TunnelState::kStopping);
  later_.After(options_.disconnect_timeout, [this] { OnLeftOpen(); });
  if (!told) Send(sstp::EncodeControl(MessageType::kCallAbort));
}

void Tunnel::Finish(TunnelEnd end, const std::string& detail) {
  connect_.stop();
  later_.Clear();
  fd_.Reset();
  if (stream_ != nullptr) {
    if (options_.resume && stream_->ready()) session_ = stream_->Session();
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

}  // namespace sstplb::tunnel
