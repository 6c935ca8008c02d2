// Connecting: from a route to a backend that has taken the session.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lb/session/session.h"
#include "proxyproto/encode.h"
#include "proxyproto/tlv.h"

namespace sstplb::session {

void Session::PickBackend(const RouteDecision& route, const HelloNames& names) {
  Opening& opening = *opening_;
  opening.pool = opening.plan->FindPool(route.pool);
  // One more than can fail: a place at a backend may be gone when it is tried.
  opening.candidates = PickCandidates(
      *opening.pool, KeyFor(*opening.pool, client_address_.ip, names.sni, host_.now()),
      opening.pool->config.connect_attempts + 1);
  phase_ = Phase::kConnecting;
  ConnectNext();
}

void Session::ConnectNext() {
  Opening& opening = *opening_;
  while (opening.next_candidate < opening.candidates.size() &&
         opening.attempts < opening.pool->config.connect_attempts) {
    if (TryConnect(opening.candidates[opening.next_candidate++])) return;
    if (closed_) return;
  }
  const bool none = opening.attempts == 0;
  Refuse(none ? CloseReason::kNoBackend : CloseReason::kConnectFailed, tls::Alert::kInternalError);
}

// Whether an attempt is under way or has succeeded.
bool Session::TryConnect(std::size_t member) {
  Opening& opening = *opening_;
  const backend::BackendView& backend = opening.pool->view.backends[member];
  const auto before = backend.load->active.fetch_add(1, std::memory_order_relaxed);
  load_ = backend.load;
  if (backend.max_sessions != 0 && before >= backend.max_sessions) {
    LeaveBackend();  // another worker took the last place
    return false;
  }
  ++opening.attempts;
  if (lane_ != nullptr) --lane_->users;
  lane_ = &host_.books().LaneFor({gate_->listener, opening.pool->config.name, backend.name});
  ++lane_->users;
  backend_address_ = *backend.resolved;
  opening.attempt_began = host_.now();

  Connecting started = StartConnect(*backend.resolved, opening.pool->config.tcp, ConnectSource());
  if (started.error != 0) {
    CountConnectFailure(started.error);
    return false;
  }
  backend_ = Leg{.fd = std::move(started.fd)};
  if (!WatchLeg(backend_, kBackendSlot)) return true;
  host_.timeouts().Arm(*this, opening.pool->config.connect_timeout, host_.now());
  if (started.done) Connected();
  return true;
}

ConnectFrom Session::ConnectSource() const {
  const config::Pool& pool = opening_->pool->config;
  if (pool.transparent) return {.transparent = client_address_};
  ConnectFrom from;
  // Spread over the configured addresses of the backend's family; the id is as good as random.
  std::size_t fitting = 0;
  for (const IpAddress& ip : pool.source) fitting += ip.is_v4() == backend_address_.ip.is_v4();
  std::size_t turn = fitting == 0 ? 0 : id_ % fitting;
  for (const IpAddress& ip : pool.source) {
    if (ip.is_v4() != backend_address_.ip.is_v4()) continue;
    if (turn-- == 0) from.source = ip;
  }
  return from;
}

void Session::CountConnectFailure(int error) {
  const ConnectFailure failure = ConnectFailureOf(error);
  ++lane_->counters.connect_failures[static_cast<std::size_t>(failure)];
  if (failure != ConnectFailure::kLocal) {
    const bool late = failure == ConnectFailure::kTimeout;
    host_.books().Note(*lane_, client_address_.ip,
                       late ? Signal::kConnectTimeout : Signal::kConnectRefused);
  }
  opening_->detail = std::strerror(error);
  LeaveBackend();
  host_.log().Write(LogLevel::kWarning, "connect failed",
                    {{"id", ToString(id_)},
                     {"pool", lane_->key.pool},
                     {"backend", lane_->key.backend},
                     {"address", backend_address_.ToString()},
                     {"error", opening_->detail},
                     {"took", FormatDuration(host_.now() - opening_->attempt_began)}});
}

void Session::ConnectFailed(int error) {
  backend_.fd.Reset();
  CountConnectFailure(error);
  ConnectNext();
}

void Session::OnBackendFirst() {
  if (!backend_.writable) return;
  // Without one of these the socket is connected: no need to ask.
  const int error = backend_.ending ? ConnectError(backend_.fd.get()) : 0;
  if (error != 0) return ConnectFailed(error);
  Connected();
}

void Session::Connected() {
  Opening& opening = *opening_;
  const TimePoint now = host_.now();
  lane_->counters.connect_duration.Observe(now - opening.attempt_began);
  ++lane_->counters.opened;
  ++lane_->active;
  load_->opened.fetch_add(1, std::memory_order_relaxed);
  const auto& sticks = opening.pool->sticks;
  if (sticks && sticks->Remember(client_address_.ip, lane_->key.backend, now)) sticks_ = sticks;
  connected_ = now;
  phase_ = Phase::kRelaying;
  LogOpen(opening.candidates.why());

  const ByteView hello = opening.greeting.bytes();
  const Flow::Outcome sent = SendFirst(hello);
  lane_->counters.to_backend_bytes += hello.size();
  if (opening.greeting.kind() != HelloKind::kNotTls) {
    tls_ = TlsStage::kHandshake;
    observer_ = std::make_unique<tls::RecordObserver>();
    observer_->FromClient(hello);
    rhythm_ = opening.listener->config.rhythm;
    if (rhythm_ != Duration::zero()) idle_timeout_ = std::min(idle_timeout_, DeadAfter(rhythm_));
  }
  backend_spoke_ = now;  // it has accepted
  opening_.reset();
  host_.timeouts().Arm(*this, idle_timeout_, now);
  if (sent == Flow::Outcome::kWriteError) {
    return SocketDied(to_backend_, /*reader=*/false, to_backend_.error());
  }
  if (WatchLeg(client_, kClientSlot)) Relay();
}

// The header and the hello in one write: receivers of PROXY drop a header that comes in pieces.
Flow::Outcome Session::SendFirst(ByteView hello) {
  const config::Pool& pool = opening_->pool->config;
  if (pool.proxy_protocol == config::ProxyProtocol::kNone) {
    return to_backend_.Send(backend_, hello, 0, host_.buffers());
  }
  Bytes first;
  AppendProxyHeader(pool, first);
  const std::size_t header = first.size();
  Writer(first).Raw(hello);
  return to_backend_.Send(backend_, first, header, host_.buffers());
}

void Session::AppendProxyHeader(const config::Pool& pool, Bytes& out) const {
  const auto& dialled = opening_->server_address;
  const auto destination = dialled ? dialled : LocalAddress(client_.fd.get());
  if (!destination) return proxyproto::EncodeV2Local(out);  // the client is gone already
  if (pool.proxy_protocol == config::ProxyProtocol::kV1) {
    return proxyproto::EncodeV1(client_address_, *destination, out);
  }
  const std::string unique_id = ToString(id_);
  const Greeting& greeting = opening_->greeting;
  const bool is_hello = greeting.kind() == HelloKind::kSni || greeting.kind() == HelloKind::kNoSni;
  std::vector<proxyproto::TlvView> fields;
  for (const config::ProxyTlv tlv : pool.proxy_tlvs) {
    switch (tlv) {
      case config::ProxyTlv::kAuthority:
        if (!sni_.empty()) fields.push_back({proxyproto::tlv_type::kAuthority, AsBytes(sni_)});
        break;
      case config::ProxyTlv::kAlpn:
        if (is_hello && !greeting.hello().alpn.empty()) {
          fields.push_back({proxyproto::tlv_type::kAlpn, AsBytes(greeting.hello().alpn.front())});
        }
        break;
      case config::ProxyTlv::kUniqueId:
        fields.push_back({proxyproto::tlv_type::kUniqueId, AsBytes(unique_id)});
        break;
      case config::ProxyTlv::kCrc32c:
        fields.push_back({proxyproto::tlv_type::kCrc32c, {}});
        break;
    }
  }
  proxyproto::EncodeV2(client_address_, *destination, fields, out);
}

}  // namespace sstplb::session
