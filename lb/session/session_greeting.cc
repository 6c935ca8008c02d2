// Greeting: from accept to a whole ClientHello, and refusing.
//
// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "lb/session/session.h"
#include "lb/tls/ja4.h"
#include "lb/tls/server_name.h"

namespace sstplb::session {
namespace {

// How much a refused client may still send: this many times the scratch buffer.
constexpr int kLingerReads = 64;

}  // namespace

void Session::OnClientFirst() {
  if (opening_->refused) return Linger();
  while (client_.readable && phase_ == Phase::kGreeting && !opening_->refused) {
    const auto scratch = host_.buffers().scratch();
    const auto room = scratch.first(std::min(scratch.size(), opening_->greeting.wanted()));
    const ssize_t got = ::recv(client_.fd.get(), room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      client_.readable = false;
      break;
    }
    if (got <= 0) return Close(CloseReason::kClientGone);
    client_spoke_ = host_.now();
    const auto bytes = room.first(static_cast<std::size_t>(got));
    if (bytes.size() < room.size() && !client_.ending) client_.readable = false;
    Greet(opening_->greeting.Feed(bytes));
    if (closed_ || opening_ == nullptr) return;
  }
  if (phase_ == Phase::kGreeting) WatchLeg(client_, kClientSlot);
}

void Session::Greet(Greeting::State state) {
  if (state == Greeting::State::kBadHeader) {
    opening_->detail = opening_->greeting.why();
    // No alert: what is here is not the client but a balancer in front.
    return Close(CloseReason::kProxyHeader);
  }
  if (opening_->greeting.header() && !opening_->header_taken) {
    opening_->header_taken = true;
    TakeHeader();
    if (!Admit()) return;
    state = opening_->greeting.Continue();
  }
  if (state == Greeting::State::kDone) HelloDone();
}

void Session::TakeHeader() {
  const auto& header = *opening_->greeting.header();
  if (!header.source) return;  // LOCAL, UNKNOWN: the connection speaks for itself
  proxy_ = std::make_unique<SocketAddress>(client_address_);
  client_address_ = *header.source;
  opening_->server_address = header.destination;
}

bool Session::Admit() {
  const ListenerPlan& listener = *opening_->listener;
  const IpAddress& ip = client_address_.ip;
  const bool allowed = listener.config.allow.empty() || ContainsAny(listener.config.allow, ip);
  if (!allowed || ContainsAny(listener.config.deny, ip)) {
    Close(CloseReason::kDenied);
    return false;
  }
  if (opening_->in_limits) {
    limiter_ = listener.limiter;
    limiter_->Adopt(ip);
    return true;
  }
  const Admission admission = listener.limiter->Enter(ip, host_.now());
  switch (admission) {
    case Admission::kAdmitted:
      limiter_ = listener.limiter;
      return true;
    case Admission::kSourceSessions:
      Close(CloseReason::kSourceSessions);
      break;
    case Admission::kSourceRate:
      Close(CloseReason::kSourceRate);
      break;
    case Admission::kListenerRate:
      Close(CloseReason::kListenerRate);
      break;
  }
  return false;
}

void Session::HelloDone() {
  const Greeting& greeting = opening_->greeting;
  const Router& router = opening_->listener->router;
  ++gate_->counters.hellos[static_cast<std::size_t>(greeting.kind())];
  gate_->counters.hello_duration.Observe(host_.now() - opened_);
  opening_->detail = greeting.why();

  HelloNames names;
  RouteDecision route;
  switch (greeting.kind()) {
    case HelloKind::kMalformed:
      return Refuse(CloseReason::kHelloMalformed, tls::Alert::kDecodeError);
    case HelloKind::kTooLarge:
      return Refuse(CloseReason::kHelloTooLarge, tls::Alert::kHandshakeFailure);
    case HelloKind::kNotTls:
    case HelloKind::kTimeout:
      route = router.DecideNotTls();
      break;
    case HelloKind::kSni:
    case HelloKind::kNoSni: {
      const tls::ClientHello& hello = greeting.hello();
      names.has_sni = hello.has_sni;
      const auto sni = tls::NormaliseServerName(hello.sni);
      if (hello.has_sni && sni) sni_ = *sni;
      if (hello.has_sni && sni) names.sni = sni_;
      for (const std::string_view protocol : hello.alpn) names.alpn.push_back(protocol);
      if (host_.log().Enabled(LogLevel::kInfo)) {
        tls::Ja4(hello).copy(ja4_.data(), ja4_.size());
      }
      route = router.Decide(names);
      break;
    }
  }
  if (route.refused) {
    // What is no TLS cannot read an alert.
    const bool tls = greeting.kind() != HelloKind::kNotTls;
    return Refuse(*route.refused,
                  tls ? std::optional(tls::Alert::kUnrecognizedName) : std::nullopt);
  }
  PickBackend(route);
}

void Session::Refuse(CloseReason reason, std::optional<tls::Alert> alert) {
  if (!alert) return Close(reason);
  const Greeting& greeting = opening_->greeting;
  const bool parsed = greeting.kind() == HelloKind::kSni || greeting.kind() == HelloKind::kNoSni;
  const auto record =
      parsed ? tls::FatalAlert(*alert, greeting.hello().legacy_version) : tls::FatalAlert(*alert);
  // A fresh socket takes seven bytes; if not, the close alone must do.
  ::send(client_.fd.get(), record.data(), record.size(), MSG_NOSIGNAL);
  ::shutdown(client_.fd.get(), SHUT_WR);
  // Closing while unread bytes wait would send a reset that overtakes the alert: let the client
  // end.
  phase_ = Phase::kGreeting;
  opening_->refused = reason;
  host_.timeouts().Arm(*this, kLinger, host_.now());
  if (WatchLeg(client_, kClientSlot) && client_.readable) Linger();
}

// Reads until the client ends, but not for ever: the rest is refused with a reset.
void Session::Linger() {
  const auto room = host_.buffers().scratch();
  for (int reads = 0; reads < kLingerReads; ++reads) {
    const ssize_t got = ::recv(client_.fd.get(), room.data(), room.size(), 0);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    if (got < 0 && errno == EAGAIN) {
      client_.readable = false;
      return;
    }
    break;
  }
  Close(*opening_->refused);
}

}  // namespace sstplb::session
