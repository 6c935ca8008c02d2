// A session's beginning and end; greeting.cc, connect.cc and relay.cc hold what lies between.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/session.h"

#include <cerrno>

namespace sstplb::session {

void Session::Leg::Want(int events) {
  if (events == wanted) return;
  wanted = events;
  io.stop();
  if (events != 0) io.start(fd.get(), events);
}

void Session::Leg::Drop() {
  io.stop();
  wanted = 0;
  fd.Reset();
}

Session::Session(Host& host, SessionId id, Arrival arrival)
    : host_(host),
      id_(id),
      gate_(&host.books().GateFor(arrival.listener->config.name)),
      client_address_(arrival.peer),
      idle_timeout_(arrival.listener->config.idle_timeout),
      opened_(host.now()),
      last_byte_(opened_),
      armed_(opened_) {
  const bool proxied = ContainsAny(arrival.listener->config.accept_proxy, arrival.peer.ip);
  client_.fd = std::move(arrival.fd);
  client_.io.set(host.ev());
  client_.io.set<Session, &Session::OnClient>(this);
  backend_.io.set(host.ev());
  backend_.io.set<Session, &Session::OnBackend>(this);
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
  client_.Want(ev::READ);
  // With TCP_DEFER_ACCEPT the hello is here already: one turn of the loop less.
  if (listener.tcp.defer_accept) OnClientFirst();
}

void Session::OnTimeout() {
  switch (phase_) {
    case Phase::kGreeting:
      if (opening_->refused) return Close(*opening_->refused);
      ++gate_->counters.hellos[static_cast<std::size_t>(HelloKind::kTimeout)];
      return Close(CloseReason::kHelloTimeout);
    case Phase::kConnecting:
      return ConnectFailed(ETIMEDOUT);
    case Phase::kRelaying:
    case Phase::kFinishing:
      return Close(CloseReason::kIdle);
  }
}

void Session::Close(CloseReason reason) {
  if (closed_) return;
  closed_ = true;
  const TimePoint now = host_.now();
  const bool told = connected() && host_.log().Enabled(LogLevel::kInfo);
  const TcpFacts client_facts = told ? TcpFactsOf(client_.fd.get()) : TcpFacts{};
  const TcpFacts backend_facts = told ? TcpFactsOf(backend_.fd.get()) : TcpFacts{};
  Unlink();
  client_.Drop();
  backend_.Drop();
  CountEnd(reason, now);
  LeaveBackend();
  if (limiter_) limiter_->Leave(client_address_.ip);
  if (sticks_) sticks_->SessionEnded(client_address_.ip, now);
  --gate_->active;
  host_.budget().Leave();
  LogClose(reason, now, client_facts, backend_facts);
  opening_.reset();
  observer_.reset();
  host_.Ended(*this);
}

void Session::LeaveBackend() {
  if (load_) load_->active.fetch_sub(1, std::memory_order_relaxed);
  load_.reset();
}

void Session::CountEnd(CloseReason reason, TimePoint now) {
  if (!connected()) {
    ++gate_->counters.refused[static_cast<std::size_t>(reason)];
  } else {
    ++lane_->counters.closed[static_cast<std::size_t>(reason)];
    lane_->counters.session_duration.Observe(now - opened_);
    --lane_->active;
    if (observer_ != nullptr) CountHandshake();
  }
  if (lane_ != nullptr) --lane_->users;
}

SessionStatus Session::status() const {
  const TimePoint now = host_.now();
  SessionStatus status;
  status.id = id_;
  status.phase = phase_;
  status.listener = gate_->listener;
  status.client = client_address_;
  status.proxy = proxy_;
  status.sni = sni_;
  status.ja4 = ja4_;
  if (opening_ != nullptr && opening_->pool != nullptr) status.pool = opening_->pool->config.name;
  if (lane_ != nullptr) {
    status.pool = lane_->key.pool;
    status.backend = lane_->key.backend;
  }
  status.backend_address = backend_address_;
  status.age = now - opened_;
  status.idle = now - last_byte_;
  status.to_backend_bytes = to_backend_.bytes() + first_bytes_;
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
                     {"ja4", ja4_.empty() ? "-" : ja4_},
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
                       {"detail", detail_}});
    return;
  }
  if (!host_.log().Enabled(LogLevel::kInfo)) return;
  host_.log().Write(LogLevel::kInfo, "session close",
                    {{"id", ToString(id_)},
                     {"reason", ToString(reason)},
                     {"age", FormatDuration(now - opened_)},
                     {"to_backend", to_backend_.bytes() + first_bytes_},
                     {"to_client", to_client_.bytes()},
                     {"handshake", handshake_.count() > 0 ? FormatDuration(handshake_) : "-"},
                     {"rtt", FormatDuration(client.rtt) + "/" + FormatDuration(backend.rtt)},
                     {"retrans", std::to_string(client.retransmits) + "/" +
                                     std::to_string(backend.retransmits)}});
}

}  // namespace sstplb::session
