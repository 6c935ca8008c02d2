// A session's beginning and end; greeting.cc, connect.cc and relay.cc hold what lies between.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/session.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace sstplb::session {
namespace {

// A session that lived no longer is not asked for its TcpFacts when it ends.
constexpr Duration kBrief = std::chrono::seconds(1);

}  // namespace

Session::Session(Host& host, SessionId id, Arrival arrival)
    : host_(host),
      id_(id),
      gate_(&host.books().GateFor(arrival.listener->config.name)),
      client_address_(arrival.peer),
      idle_timeout_(arrival.listener->config.idle_timeout),
      opened_(host.now()),
      client_spoke_(opened_),
      backend_spoke_(opened_) {
  const bool proxied = ContainsAny(arrival.listener->config.accept_proxy, arrival.peer.ip);
  client_.fd = std::move(arrival.fd);
  opening_ =
      std::make_unique<Opening>(std::move(arrival.plan), std::move(arrival.listener), proxied);
  ++gate_->active;
}

Session::~Session() = default;

void Session::Start() {
  const auto& listener = opening_->listener->config;
  host_.timeouts().Arm(*this, listener.hello_timeout, host_.now());
  if (opening_->plan->stopping) return Close(CloseReason::kStopping);
  // The address that a PROXY header will name is judged when it is known.
  if (opening_->greeting.state() == Greeting::State::kHello && !Admit()) return;
  // With TCP_DEFER_ACCEPT the hello is here already: one turn less, and the socket is only watched
  // when something else is awaited of it.
  if (listener.tcp.defer_accept) {
    client_.readable = true;
    OnClientFirst();
  } else {
    WatchLeg(client_, kClientSlot);
  }
}

// Once per leg. False when that has ended the session.
bool Session::WatchLeg(Leg& leg, unsigned slot) {
  if (slot == kClientSlot && std::exchange(client_watched_, true)) return true;
  if (host_.poller().Watch(leg.fd.get(), *this, slot)) return true;
  if (opening_ != nullptr) opening_->detail = std::strerror(errno);
  Close(connected() ? CloseReason::kLocalError : CloseReason::kMaxSessions);
  return false;
}

void Session::OnReady(unsigned slot, std::uint32_t events) {
  if (closed_) return;  // earlier in this turn
  Leg& leg = slot == kClientSlot ? client_ : backend_;
  leg.Note(events);
  if ((events & EPOLLIN) != 0) (slot == kClientSlot ? to_backend_ : to_client_).EndRest(leg);
  switch (phase_) {
    case Phase::kGreeting:
      if (client_.readable) OnClientFirst();
      return;
    case Phase::kQueued:
      // Who ends while he waits has given up. What he sends waits in the kernel.
      if (client_.ending) Close(CloseReason::kClientGone);
      return;
    case Phase::kConnecting:
      // What the client sends meanwhile waits in the kernel.
      if (slot == kBackendSlot) OnBackendFirst();
      return;
    case Phase::kRelaying:
    case Phase::kFinishing: {
      const bool dead = (events & EPOLLERR) != 0;
      if (dead && slot == kClientSlot) return OnDeadLeg(to_backend_, to_client_, client_);
      if (dead) return OnDeadLeg(to_client_, to_backend_, backend_);
      return Relay();
    }
  }
}

void Session::OnRested() {
  rested_ = false;
  if (closed_) return;
  if (to_backend_.resting()) to_backend_.EndRest(client_);
  if (to_client_.resting()) to_client_.EndRest(backend_);
  Relay();
}

void Session::OnAgain() {
  again_ = false;
  if (!closed_) Relay();
}

void Session::OnTimeout() {
  switch (phase_) {
    case Phase::kGreeting:
      if (opening_->refused) return Close(*opening_->refused);
      ++gate_->counters.hellos[static_cast<std::size_t>(HelloKind::kTimeout)];
      return Close(CloseReason::kHelloTimeout);
    case Phase::kQueued:
      return OnQueueTime();
    case Phase::kConnecting:
      return ConnectFailed(ETIMEDOUT);
    case Phase::kRelaying:
    case Phase::kFinishing:
      return OnSilence();
  }
}

void Session::Close(CloseReason reason) {
  if (closed_) return;
  closed_ = true;
  const TimePoint now = host_.now();
  const bool told = connected() && host_.log().Enabled(LogLevel::kInfo);
  // What ends at once has little to tell.
  const bool asked = told || (connected() && now - opened_ > kBrief);
  const TcpFacts client_facts = asked ? SampleTcp(kClientSlot) : TcpFacts{};
  const TcpFacts backend_facts = asked ? SampleTcp(kBackendSlot) : TcpFacts{};
  CountEnd(reason, now);
  LetGo(now);
  LogClose(reason, now, client_facts, backend_facts);
  opening_.reset();
  observer_.reset();
  host_.Ended(*this);
}

// Everything that it holds or is counted in.
void Session::LetGo(TimePoint now) {
  Unlink();
  client_.fd.Reset();
  backend_.fd.Reset();
  to_backend_.Release(host_.buffers());
  to_client_.Release(host_.buffers());
  if (lane_ != nullptr) --lane_->users;
  if (connected()) --lane_->active;
  LeaveBackend();
  if (opening_ != nullptr) host_.waiting().Leave(opening_->ticket);
  if (limiter_) limiter_->Leave(client_address_.ip);
  if (sticks_) sticks_->SessionEnded(client_address_.ip, now);
  --gate_->active;
  host_.budget().Leave();
}

void Session::LeavePlace() {
  if (!std::exchange(pending_, false)) return;
  load_->pending.fetch_sub(1, std::memory_order_relaxed);
}

void Session::LeaveBackend() {
  LeavePlace();
  if (load_) load_->active.fetch_sub(1, std::memory_order_relaxed);
  load_.reset();
}

void Session::CountEnd(CloseReason reason, TimePoint now) {
  if (!connected()) {
    ++gate_->counters.refused[static_cast<std::size_t>(reason)];
  } else {
    ++lane_->counters.closed[static_cast<std::size_t>(reason)];
    lane_->counters.session_duration.Observe(now - opened_);
    if (observer_ != nullptr) CountHandshake();
    if (!signalled_) Tell(SignalOfEnd(course(), reason));
  }
}

std::string_view Session::ja4() const {
  return ja4_[0] == 0 ? std::string_view() : std::string_view(ja4_.data(), ja4_.size());
}

Liveness Session::liveness() const {
  const TimePoint now = host_.now();
  return LivenessOf(tls_ == TlsStage::kHandshake, now - client_spoke_, now - backend_spoke_,
                    rhythm_);
}

SessionStatus Session::status() const {
  const TimePoint now = host_.now();
  SessionStatus status;
  status.id = id_;
  status.phase = phase_;
  status.listener = gate_->listener;
  status.client = client_address_;
  if (proxy_ != nullptr) status.proxy = *proxy_;
  status.sni = sni_;
  status.ja4 = ja4();
  if (opening_ != nullptr && opening_->pool != nullptr) status.pool = opening_->pool->config.name;
  if (opening_ != nullptr && opening_->ticket.load != nullptr) {
    status.backend = opening_->pool->view.backends[opening_->waits_for].name;
  } else if (lane_ != nullptr) {
    status.pool = lane_->key.pool;
    status.backend = lane_->key.backend;
    status.backend_address = backend_address_;
  }
  status.age = now - opened_;
  status.idle = now - last_byte();
  if (connected()) {
    status.liveness = liveness();
    status.client_idle = now - client_spoke_;
    status.backend_idle = now - backend_spoke_;
  }
  status.to_backend_bytes = to_backend_.bytes();
  status.to_client_bytes = to_client_.bytes();
  status.handshake_done = handshake_.count() > 0;
  return status;
}

void Session::LogOpen(std::string_view why) {
  if (!host_.log().Enabled(LogLevel::kInfo)) return;
  host_.log().Write(LogLevel::kInfo, "session open",
                    {{"id", ToString(id_)},
                     {"listener", gate_->listener},
                     {"client", client_address_.ToString()},
                     {"sni", sni_.empty() ? "-" : sni_},
                     {"ja4", ja4().empty() ? "-" : ja4()},
                     {"pool", lane_->key.pool},
                     {"backend", lane_->key.backend},
                     {"why", why}});
}

void Session::LogClose(CloseReason reason, TimePoint now, const TcpFacts& client,
                       const TcpFacts& backend) {
  if (Info(reason).phase == ClosePhase::kRefused) {
    host_.log().Event(LogLevel::kInfo, "session refused",
                      {{"id", ToString(id_)},
                       {"listener", gate_->listener},
                       {"client", client_address_.ToString()},
                       {"sni", sni_.empty() ? "-" : sni_},
                       {"reason", ToString(reason)},
                       {"detail", opening_->detail}});
    return;
  }
  if (!host_.log().Enabled(LogLevel::kInfo)) return;
  host_.log().Write(LogLevel::kInfo, "session close",
                    {{"id", ToString(id_)},
                     {"reason", ToString(reason)},
                     {"age", FormatDuration(now - opened_)},
                     {"to_backend", to_backend_.bytes()},
                     {"to_client", to_client_.bytes()},
                     {"handshake", handshake_.count() > 0 ? FormatDuration(handshake_) : "-"},
                     {"rtt", FormatDuration(client.rtt) + "/" + FormatDuration(backend.rtt)},
                     {"retrans", std::to_string(client.retransmits) + "/" +
                                     std::to_string(backend.retransmits)}});
}

}  // namespace sstplb::session
