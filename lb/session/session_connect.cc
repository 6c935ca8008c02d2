// Connecting: from a route to a backend that has taken the session.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lb/session/session.h"
#include "proxyproto/encode.h"
#include "proxyproto/tlv.h"

namespace sstplb::session {

balance::Key Session::PickKey(const PoolPlan& pool) const {
  const auto sni = sni_.empty() ? std::nullopt : std::optional<std::string_view>(sni_);
  return KeyFor(pool, client_address_.ip, sni, host_.now());
}

void Session::PickBackend(const RouteDecision& route) {
  Opening& opening = *opening_;
  opening.pool = opening.plan->FindPool(route.pool);
  // Nearly always the first one takes the client, and by a hash the others cost more to find than
  // it does. A policy that takes turns must be asked once.
  opening.all_candidates = !IsSticky(opening.pool->config.balance);
  opening.candidates = opening.all_candidates
                           ? AllCandidates(*opening.pool)
                           : PickCandidates(*opening.pool, PickKey(*opening.pool), 1);
  ConnectNext();
}

// One more than can fail: a place at a backend may be gone when it is tried.
balance::Candidates Session::AllCandidates(const PoolPlan& pool) const {
  return PickCandidates(pool, PickKey(pool), pool.config.connect_attempts + 1);
}

std::optional<std::size_t> Session::NextCandidate() {
  Opening& opening = *opening_;
  if (opening.next_candidate == opening.candidates.size() && !opening.all_candidates) {
    opening.all_candidates = true;
    // Those that were tried stay ahead.
    balance::Candidates all(opening.pool->config.connect_attempts + 1);
    for (const std::size_t member : opening.candidates) all.Add(member);
    for (const std::size_t member : AllCandidates(*opening.pool)) all.Add(member);
    all.set_why(opening.candidates.why());
    opening.candidates = all;
  }
  if (opening.next_candidate == opening.candidates.size()) return std::nullopt;
  return opening.candidates[opening.next_candidate++];
}

void Session::ConnectNext() {
  Opening& opening = *opening_;
  phase_ = Phase::kConnecting;
  std::optional<std::size_t> busy;
  while (opening.attempts < opening.pool->config.connect_attempts) {
    const auto member = NextCandidate();
    if (!member) break;
    const Place place = TakePlace(*member, /*called_in=*/false);
    if (place == Place::kTaken && TryConnect(*member)) return;
    if (closed_) return;
    if (place != Place::kBusy) continue;
    if (!busy) busy = member;
    if (IsSticky(opening.pool->config.balance) && WaitFor(*member)) return;
  }
  // Where it does not matter which backend it is, it has looked for a free one first.
  if (busy && WaitFor(*busy)) return;
  if (busy) return RefuseOverload(CloseReason::kQueueFull);
  const bool none = opening.attempts == 0;
  RefuseByAlert(none ? CloseReason::kNoBackend : CloseReason::kConnectFailed);
}

// Counts the session in at its backend, if it may come now.
Session::Place Session::TakePlace(std::size_t member, bool called_in) {
  const config::Pool& pool = opening_->pool->config;
  const backend::BackendView& backend = opening_->pool->view.backends[member];
  backend::BackendLoad& load = *backend.load;
  if (!called_in && !host_.waiting().empty() && host_.waiting().Waits(load)) return Place::kBusy;
  const auto active = load.active.fetch_add(1, std::memory_order_relaxed);
  const auto pending = load.pending.fetch_add(1, std::memory_order_relaxed);
  load_ = backend.load;
  pending_ = true;
  auto place = Place::kTaken;
  if (backend.max_sessions != 0 && active >= backend.max_sessions) {
    place = Place::kFull;  // another worker took the last place
  } else if ((pool.max_pending_per_backend != 0 && pending >= pool.max_pending_per_backend) ||
             (pool.session_rate_per_backend &&
              !load.pace.Take(*pool.session_rate_per_backend, host_.now()))) {
    place = Place::kBusy;
  }
  if (place != Place::kTaken) LeaveBackend();
  return place;
}

bool Session::WaitFor(std::size_t member) {
  Opening& opening = *opening_;
  const config::Pool& pool = opening.pool->config;
  const TimePoint now = host_.now();
  const bool again = opening.first_queued != TimePoint();
  if (again && now >= QueueEnd()) {
    RefuseOverload(CloseReason::kQueueTimeout);
    return true;
  }
  backend::BackendLoad& load = *opening.pool->view.backends[member].load;
  opening.ticket = host_.waiting().Enter(load, SourceHash(client_address_.ip), *this,
                                         pool.max_queued_per_backend);
  if (opening.ticket.load == nullptr) return false;
  opening.waits_for = member;
  if (opening.queued_since == TimePoint()) opening.queued_since = now;
  phase_ = Phase::kQueued;
  // However often it comes to wait: for so long in all.
  if (again) {
    host_.timeouts().ArmBy(*this, QueueEnd(), now);
  } else {
    opening.first_queued = now;
    host_.timeouts().Arm(*this, pool.queue_timeout, now);
  }
  // To see it go.
  if (WatchLeg(client_, kClientSlot) && client_.ending) Close(CloseReason::kClientGone);
  return true;
}

TimePoint Session::QueueEnd() const {
  return opening_->first_queued + opening_->pool->config.queue_timeout;
}

void Session::OnQueueTime() {
  const TimePoint now = host_.now();
  if (now < QueueEnd()) return host_.timeouts().ArmBy(*this, QueueEnd(), now);
  RefuseOverload(CloseReason::kQueueTimeout);
}

bool Session::OnTurn() {
  const std::size_t member = opening_->waits_for;
  const Place place = TakePlace(member, /*called_in=*/true);
  if (place == Place::kBusy) return false;
  host_.waiting().Leave(opening_->ticket, /*served=*/true);
  phase_ = Phase::kConnecting;
  if (place == Place::kTaken && TryConnect(member)) return true;
  if (!closed_) ConnectNext();
  return true;
}

void Session::GiveWay() { RefuseOverload(CloseReason::kQueueFull); }

void Session::OnPlan(std::shared_ptr<const Plan> plan) {
  Opening& opening = *opening_;
  auto pool = plan->FindPool(opening.pool->config.name);
  if (plan->stopping || pool == nullptr) {
    host_.waiting().Leave(opening.ticket);
    return RefuseByAlert(plan->stopping ? CloseReason::kStopping : CloseReason::kNoBackend);
  }
  const auto wanted = AllCandidates(*pool);
  const auto& backends = pool->view.backends;
  const auto own = static_cast<std::size_t>(
      std::ranges::find(backends, opening.ticket.load, [](const auto& b) { return b.load.get(); }) -
      backends.begin());
  const bool stays = own < backends.size() && backends[own].Ready() &&
                     (backends[own].weight != 0 || wanted.Contains(own));
  if (!stays) host_.waiting().Leave(opening.ticket);  // before what it points to may go
  opening.plan = std::move(plan);
  opening.pool = std::move(pool);
  opening.all_candidates = true;
  opening.next_candidate = 0;
  if (!stays) {
    opening.candidates = wanted;
    return ConnectNext();
  }
  // It keeps its turn, and its own comes first.
  balance::Candidates candidates(wanted.limit());
  candidates.Add(own);
  candidates.set_why(opening.candidates.why());
  for (const std::size_t member : wanted) candidates.Add(member);
  opening.candidates = candidates;
  opening.next_candidate = 1;
  opening.waits_for = own;
  if (!IsSticky(opening.pool->config.balance)) TakeAnother();
}

// Where it does not matter which backend it is: a place at another, if there is one now.
void Session::TakeAnother() {
  Opening& opening = *opening_;
  for (std::size_t i = 1; i < opening.candidates.size(); ++i) {
    const std::size_t member = opening.candidates[i];
    if (TakePlace(member, /*called_in=*/false) != Place::kTaken) continue;
    host_.waiting().Leave(opening.ticket);
    phase_ = Phase::kConnecting;
    opening.next_candidate = i + 1;
    if (!TryConnect(member) && !closed_) ConnectNext();
    return;
  }
}

// Early, so that the client does not run into its own timer.
void Session::RefuseOverload(CloseReason reason) {
  host_.waiting().Leave(opening_->ticket);
  if (opening_->pool->config.on_overload == config::OnOverload::kReset) {
    ResetOnClose(client_.fd.get());
    return Close(reason);
  }
  RefuseByAlert(reason);
}

// What is no TLS cannot read an alert.
void Session::RefuseByAlert(CloseReason reason) {
  const bool tls = opening_->greeting.kind() != HelloKind::kNotTls;
  Refuse(reason, tls ? std::optional(tls::Alert::kInternalError) : std::nullopt);
}

// Whether an attempt is under way or has succeeded. It has a place.
bool Session::TryConnect(std::size_t member) {
  Opening& opening = *opening_;
  const backend::BackendView& backend = opening.pool->view.backends[member];
  ++opening.attempts;
  if (lane_ != nullptr) --lane_->users;
  lane_ = &host_.books().LaneFor({gate_->listener, opening.pool->config.name, backend.name});
  ++lane_->users;
  if (opening.queued_since != TimePoint()) {
    lane_->counters.queue_wait.Observe(host_.now() - std::exchange(opening.queued_since, {}));
  }
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
    const Duration limit = opening.pool->config.handshake_timeout;
    if (limit != Duration::zero()) handshake_until_ = now + limit;
  }
  if (observer_ == nullptr) LeavePlace();
  backend_spoke_ = now;  // it has accepted
  opening_.reset();
  // A handshake's deadline is no other than that of every session, when it comes first.
  const bool bound = handshake_until_ != TimePoint();
  host_.timeouts().Arm(
      *this, bound ? std::min(idle_timeout_, handshake_until_ - now) : idle_timeout_, now);
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
