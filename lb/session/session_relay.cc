// Relaying: bytes both ways until both directions have ended or a socket has died.
//
// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "lb/session/session.h"

namespace sstplb::session {
namespace {

// Activity within this time of the last arming does not move the idle deadline: an idle limit is
// minutes, and a list operation per read would be paid by every busy tunnel.
constexpr Duration kTouchGrain = std::chrono::seconds(1);

bool IsTimeout(int error) { return error == ETIMEDOUT || error == EHOSTUNREACH; }

}  // namespace

// Lets the observer see a flow's bytes on their way.
class Session::ObserverTap final : public Flow::Tap {
 public:
  ObserverTap(Session& session, tls::Side side) : session_(session), side_(side) {}
  void OnBytes(ByteView bytes) override { session_.Observe(side_, bytes); }

 private:
  Session& session_;
  tls::Side side_;
};

void Session::OnClient(ev::io&, int events) {
  if (opening_ != nullptr) return OnClientFirst();
  // A socket error is reported as both; reading first saves what came before it.
  if ((events & ev::READ) != 0 && !Pump(to_backend_)) return;
  if ((events & ev::WRITE) != 0 && !Pump(to_client_)) return;
  Rearm();
}

void Session::OnBackend(ev::io&, int events) {
  if (opening_ != nullptr) return OnBackendFirst();
  if ((events & ev::READ) != 0 && !Pump(to_client_)) return;
  if ((events & ev::WRITE) != 0 && !Pump(to_backend_)) return;
  Rearm();
}

// Moves one direction. False when the session has ended.
bool Session::Pump(Flow& flow) {
  const bool towards_backend = &flow == &to_backend_;
  Leg& from = towards_backend ? client_ : backend_;
  Leg& to = towards_backend ? backend_ : client_;
  if (flow.ended()) return true;
  const std::uint64_t before = flow.bytes();
  Flow::Outcome outcome;
  if (observer_ != nullptr) {
    ObserverTap tap(*this, towards_backend ? tls::Side::kClient : tls::Side::kServer);
    outcome = flow.Move(from.fd.get(), to.fd.get(), host_.scratch(), &tap);
    if (observer_->done()) CountHandshake();
  } else {
    outcome = flow.Move(from.fd.get(), to.fd.get(), host_.scratch(), nullptr);
  }
  const std::uint64_t moved = flow.bytes() - before;
  if (moved != 0) {
    auto& counters = lane_->counters;
    (towards_backend ? counters.to_backend_bytes : counters.to_client_bytes) += moved;
    Touch();
  }
  if (flow.saw_eof() && !first_eof_) {
    first_eof_ = towards_backend ? CloseReason::kClientEof : CloseReason::kBackendEof;
    phase_ = Phase::kFinishing;
  }
  switch (outcome) {
    case Flow::Outcome::kMoved:
      return true;
    case Flow::Outcome::kEof:
      if (to_backend_.ended() && to_client_.ended()) {
        Close(*first_eof_);
        return false;
      }
      return true;
    case Flow::Outcome::kReadError:
      SocketDied(flow, /*reader=*/true, flow.error());
      return false;
    case Flow::Outcome::kWriteError:
      SocketDied(flow, /*reader=*/false, flow.error());
      return false;
  }
  return true;
}

// `flow` failed at the socket it reads from (`reader`) or at the one it writes to.
void Session::SocketDied(Flow& flow, bool reader, int error) {
  const bool client_died = (&flow == &to_backend_) == reader;
  Flow& last_words = client_died ? to_backend_ : to_client_;
  Leg& dead = client_died ? client_ : backend_;
  Leg& other = client_died ? backend_ : client_;
  // A peer that answers and resets at once (a server that refuses) leaves its answer in our receive
  // buffer: it goes on ahead of the reset.
  if (!reader) {
    last_words.Move(dead.fd.get(), other.fd.get(), host_.scratch(), nullptr);
  }
  ResetOnClose(other.fd.get());
  if (IsTimeout(error)) {
    return Close(client_died ? CloseReason::kClientTimeout : CloseReason::kBackendTimeout);
  }
  Close(client_died ? CloseReason::kClientReset : CloseReason::kBackendReset);
}

void Session::Observe(tls::Side side, ByteView bytes) {
  if (side == tls::Side::kClient) {
    observer_->FromClient(bytes);
  } else {
    observer_->FromServer(bytes);
  }
}

// The handshake has ended one way or another, or the session has before it did.
void Session::CountHandshake() {
  const tls::HandshakeFacts facts = observer_->facts();
  observer_.reset();
  if (facts.gave_up && !facts.handshake_done) return;
  auto result = TlsResult::kClosed;
  if (facts.handshake_done) {
    result = facts.resumed ? TlsResult::kResumed : TlsResult::kDone;
    handshake_ = host_.now() - connected_;
    lane_->counters.handshake_duration.Observe(handshake_);
  } else if (facts.alert_by == tls::Side::kClient) {
    result = TlsResult::kAlertClient;
  } else if (facts.alert_by == tls::Side::kServer) {
    result = TlsResult::kAlertServer;
  }
  ++lane_->counters.handshakes[static_cast<std::size_t>(result)];
}

// What is awaited of each socket follows from the flows, and from nothing else.
void Session::Rearm() {
  const auto events = [](const Flow& out, const Flow& in) {
    return (out.wants_read() ? ev::READ : 0) | (in.has_pending() ? ev::WRITE : 0);
  };
  client_.Want(events(to_backend_, to_client_));
  backend_.Want(events(to_client_, to_backend_));
}

void Session::Touch() {
  last_byte_ = host_.now();
  if (last_byte_ - armed_ < kTouchGrain) return;
  armed_ = last_byte_;
  host_.timeouts().Arm(*this, idle_timeout_, last_byte_);
}

}  // namespace sstplb::session
