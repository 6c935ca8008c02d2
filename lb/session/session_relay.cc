// Relaying: bytes both ways until both directions have ended or a socket has died.
//
// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <utility>

#include "lb/session/session.h"
#include "lb/session/tcp_socket.h"

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

// Moves what can be moved, either way.
void Session::Relay() {
  if (to_backend_.CanMove(client_, backend_) && !Pump(to_backend_)) return;
  if (to_client_.CanMove(backend_, client_) && !Pump(to_client_)) return;
  const bool more = to_backend_.CanMove(client_, backend_) || to_client_.CanMove(backend_, client_);
  if (more && !std::exchange(again_, true)) host_.Again(*this);
  const bool resting = to_backend_.resting() || to_client_.resting();
  if (resting && !std::exchange(rested_, true)) host_.Rest(*this);
}

// A reset or a timeout of `leg`. What it said before goes on first, and then reading tells the
// error; only where nothing is read any more it must be asked for.
void Session::OnDeadLeg(Flow& from_it, Flow& to_it, Leg& leg) {
  if (!from_it.saw_eof()) return Relay();
  SocketDied(to_it, /*reader=*/false, ConnectError(leg.fd.get()));
}

// Moves one direction. False when the session has ended.
bool Session::Pump(Flow& flow) {
  const bool towards_backend = &flow == &to_backend_;
  Leg& from = towards_backend ? client_ : backend_;
  Leg& to = towards_backend ? backend_ : client_;
  // Where both ends are known, closing says all that shutting down would.
  const bool pass_end_on = !(towards_backend ? to_client_ : to_backend_).ended();
  const std::uint64_t before = flow.bytes();
  Flow::Outcome outcome;
  if (observer_ != nullptr) {
    ObserverTap tap(*this, towards_backend ? tls::Side::kClient : tls::Side::kServer);
    outcome = flow.Move(from, to, host_.buffers(), &tap, pass_end_on);
    if (observer_->done()) CountHandshake();
  } else {
    outcome = flow.Move(from, to, host_.buffers(), nullptr, pass_end_on);
  }
  const std::uint64_t moved = flow.bytes() - before;
  if (moved != 0) {
    auto& counters = lane_->counters;
    (towards_backend ? counters.to_backend_bytes : counters.to_client_bytes) += moved;
    Touch(towards_backend);
  }
  if (flow.saw_eof() && !first_eof_) {
    first_eof_ = towards_backend ? CloseReason::kClientEof : CloseReason::kBackendEof;
    phase_ = Phase::kFinishing;
    OnFirstEof();
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

// A backend that has ended gives no more reason to wait for what the client does: its place is
// free, and its signal is given.
void Session::OnFirstEof() {
  if (*first_eof_ == CloseReason::kBackendEof && tls_ != TlsStage::kUnseen) {
    if (observer_ != nullptr) CountHandshake();
    if (!signalled_) Tell(SignalOfEnd(course(), *first_eof_));
  }
  if (!cut_off()) return;
  host_.timeouts().Arm(*this, idle_limit(), host_.now());
}

// `flow` failed at the socket it reads from (`reader`) or at the one it writes to.
void Session::SocketDied(Flow& flow, bool reader, int error) {
  const bool client_died = (&flow == &to_backend_) == reader;
  Flow& last_words = client_died ? to_backend_ : to_client_;
  Leg& dead = client_died ? client_ : backend_;
  Leg& other = client_died ? backend_ : client_;
  // A peer that answers and resets at once (a server that refuses) leaves its answer in our receive
  // buffer: it goes on ahead of the reset.
  if (!reader && !last_words.saw_eof()) {
    dead.readable = dead.ending = true;
    // Not its end: the failed write has taken the error, so that a read would see one.
    last_words.Move(dead, other, host_.buffers(), nullptr, /*end=*/false);
  }
  ResetOnClose(other.fd.get());
  if (IsTimeout(error)) {
    return Close(client_died ? CloseReason::kClientTimeout : CloseReason::kBackendTimeout);
  }
  Close(client_died ? CloseReason::kClientReset : CloseReason::kBackendReset);
}

void Session::Observe(tls::Side side, ByteView bytes) {
  std::size_t behind = 0;  // of the client's bytes
  if (side == tls::Side::kClient) {
    behind = bytes.size() - observer_->FromClient(bytes);
  } else {
    observer_->FromServer(bytes);
  }
  if (!observer_->facts().handshake_done || handshake_bytes_ != 0) return;
  handshake_bytes_ = static_cast<std::uint32_t>(to_backend_.bytes() - behind);
}

// The handshake has ended one way or another, or the session has before it did.
void Session::CountHandshake() {
  const tls::HandshakeFacts facts = observer_->facts();
  LeavePlace();
  if (std::exchange(handshake_until_, {}) != TimePoint()) {
    host_.timeouts().Arm(*this, idle_timeout_, host_.now());
  }
  observer_.reset();
  if (facts.gave_up && !facts.handshake_done) {
    tls_ = TlsStage::kUnseen;
    return;
  }
  auto result = TlsResult::kClosed;
  if (facts.handshake_done) {
    tls_ = TlsStage::kDone;
    result = facts.resumed ? TlsResult::kResumed : TlsResult::kDone;
    handshake_ = host_.now() - connected_;
    lane_->counters.handshake_duration.Observe(handshake_);
  } else if (facts.alert_by == tls::Side::kClient) {
    result = TlsResult::kAlertClient;
    tls_ = TlsStage::kAlertClient;
  } else if (facts.alert_by == tls::Side::kServer) {
    result = TlsResult::kAlertServer;
    tls_ = TlsStage::kAlertServer;
  }
  ++lane_->counters.handshakes[static_cast<std::size_t>(result)];
}

void Session::Touch(bool by_client) {
  const TimePoint now = host_.now();
  (by_client ? client_spoke_ : backend_spoke_) = now;
  if (cut_off()) return;                        // its time runs, whoever speaks
  if (handshake_until_ != TimePoint()) return;  // it comes up in time, and looks then
  if (armed() && now - (deadline() - idle_timeout_) < kTouchGrain) return;
  host_.timeouts().Arm(*this, idle_timeout_, now);
  if (!signalled_) Tell(SignalOfLiving(course()));
  if (!host_.TakeSample()) return;
  SampleTcp(kClientSlot);
  SampleTcp(kBackendSlot);
}

// Its time has come up while it relays.
void Session::OnSilence() {
  if (cut_off()) return Close(*first_eof_);
  const TimePoint now = host_.now();
  if (handshake_until_ != TimePoint()) {
    if (now >= handshake_until_) return Close(CloseReason::kHandshakeTimeout);
    const TimePoint silent = last_byte() + idle_timeout_;
    if (now < silent) {
      return host_.timeouts().ArmBy(*this, std::min(silent, handshake_until_), now);
    }
  }
  Close(rhythm_ != Duration::zero() && idle_timeout_ == DeadAfter(rhythm_) ? CloseReason::kDead
                                                                           : CloseReason::kIdle);
}

Course Session::course() const {
  return {.lived = host_.now() - connected_,
          .to_backend_bytes = to_backend_.bytes(),
          .to_client_bytes = to_client_.bytes(),
          .tls = tls_,
          .handshake_bytes = handshake_bytes_};
}

// One signal for the backend that has the session.
void Session::Tell(std::optional<Signal> signal) {
  if (!signal) return;
  signalled_ = true;
  host_.books().Note(*lane_, client_address_.ip, *signal);
}

// Asks the kernel about one leg and books what is new.
TcpFacts Session::SampleTcp(unsigned slot) {
  const TcpFacts facts = TcpFactsOf((slot == kClientSlot ? client_ : backend_).fd.get());
  if (facts.rtt.count() == 0) return facts;  // not connected any more, or nothing measured
  LegCounters& leg = slot == kClientSlot ? lane_->counters.client : lane_->counters.backend;
  leg.rtt.Observe(facts.rtt);
  leg.retransmits += facts.retransmits - retransmits_[slot];
  retransmits_[slot] = facts.retransmits;
  return facts;
}

}  // namespace sstplb::session
