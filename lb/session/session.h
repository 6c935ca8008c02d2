// Session: one tunnel, from accept to close: two legs, one phase (docs/life_of_a_session.md).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/base/poller.h"
#include "lb/session/buffers.h"
#include "lb/session/close_reason.h"
#include "lb/session/flow.h"
#include "lb/session/greeting.h"
#include "lb/session/image.h"
#include "lb/session/lane.h"
#include "lb/session/leg.h"
#include "lb/session/liveness.h"
#include "lb/session/picker.h"
#include "lb/session/plan.h"
#include "lb/session/signal.h"
#include "lb/session/status.h"
#include "lb/session/tcp_facts.h"
#include "lb/session/tcp_socket.h"
#include "lb/session/timeouts.h"
#include "lb/session/waiting_room.h"
#include "lb/tls/alert.h"
#include "lb/tls/ja4.h"
#include "lb/tls/record_observer.h"

namespace sstplb::session {

class Session;

// What a session needs of the worker that runs it. All on the worker's thread.
class Host {
 public:
  virtual Poller& poller() = 0;
  virtual TimePoint now() const = 0;  // of this turn
  virtual Logger& log() = 0;
  virtual Timeouts& timeouts() = 0;
  virtual Books& books() = 0;
  virtual SessionBudget& budget() = 0;
  virtual Buffers& buffers() = 0;
  virtual WaitingRoom& waiting() = 0;
  // Calls OnAgain() in the next turn, when the others have had theirs.
  virtual void Again(Session& session) = 0;
  // Calls OnRested() when Flow::kRest has passed, a little earlier or later.
  virtual void Rest(Session& session) = 0;
  // Whether the session may spend a few system calls on TcpFacts now: a bounded number per second.
  virtual bool TakeSample() = 0;
  // The session is over and has released everything. It is destroyed later in this turn, not before
  // the call returns.
  virtual void Ended(Session& session) = 0;

 protected:
  ~Host() = default;
};

// How a client arrived.
struct Arrival {
  Fd fd;
  SocketAddress peer;
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<const ListenerPlan> listener;
};

// Owned by its worker; neither copied nor moved. Ends by Close(), once, whoever calls it.
class Session final : public TimeoutLink, private Poller::Watcher {
 public:
  // The budget was entered for it; it leaves the budget when it ends.
  Session(Host& host, SessionId id, Arrival arrival);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Of another process: it must still be given its motion, and then GoOn().
  Session(Host& host, Identity&& identity, Fd client, Fd backend, const Plan& plan);

  // May end the session before it returns.
  void Start();
  void OnTimeout();
  void OnAgain();
  void OnRested();
  // It waits, and it is its turn: takes a place if there is one now, or leaves the queue another
  // way. False when it waits on.
  bool OnTurn();
  // It waits, and another has to be let in: it is refused.
  void GiveWay();
  // It waits, and backends have changed: waits on while its own can be used, and else picks anew.
  void OnPlan(std::shared_ptr<const Plan> plan);
  void Close(CloseReason reason);

  // Images (session_image.cc): what is needed to go on elsewhere, and going on here.
  bool relaying() const { return phase_ >= Phase::kRelaying; }
  int client_fd() const { return client_.fd.get(); }
  int backend_fd() const { return backend_.fd.get(); }
  Identity identity() const;       // while relaying()
  Motion motion();                 // likewise
  GreetingImage greeting() const;  // otherwise
  // False when the poller has no room.
  bool Watch();
  void Take(Motion&& motion);
  // From here on it runs. To be called by last_byte(), the longest idle first.
  void GoOn();
  // In place of Start(). May end the session before it returns.
  void Resume(const GreetingImage& image);
  // It goes on in another process: everything is let go, nothing is counted, logged or told.
  void Disown();

  SessionId id() const { return id_; }
  bool closed() const { return closed_; }
  bool waiting() const { return phase_ == Phase::kQueued && !closed_; }  // for a place
  bool connected() const { return connected_ != TimePoint(); }           // a backend has taken it
  const Lane* lane() const { return lane_; }  // null before the first attempt to connect
  // Relays, with TLS through as far as that is seen, and neither side has ended.
  bool tunnels() const { return phase_ == Phase::kRelaying && tls_ != TlsStage::kHandshake; }
  const IpAddress& client_ip() const { return client_address_.ip; }
  const std::string& sni() const { return sni_; }
  TimePoint opened() const { return opened_; }
  TimePoint last_byte() const { return std::max(client_spoke_, backend_spoke_); }
  Liveness liveness() const;
  SessionStatus status() const;

 private:
  // What is needed until the session relays, and let go then.
  struct Opening {
    Opening(std::shared_ptr<const Plan> p, std::shared_ptr<const ListenerPlan> l, bool proxied)
        : plan(std::move(p)),
          listener(std::move(l)),
          greeting(listener->config.hello_max, proxied) {}

    std::shared_ptr<const Plan> plan;
    std::shared_ptr<const ListenerPlan> listener;
    Greeting greeting;
    bool header_taken = false;
    bool in_limits = false;                       // another process has admitted the client
    std::optional<SocketAddress> server_address;  // what the client dialled, by its PROXY header
    std::optional<CloseReason> refused;  // an alert was sent; only the client's end is awaited

    // Once routed:
    std::shared_ptr<const PoolPlan> pool;
    balance::Candidates candidates{1};
    bool all_candidates = false;  // that may be tried; until then only the first is known
    std::size_t next_candidate = 0;
    std::uint32_t attempts = 0;
    TimePoint attempt_began;
    WaitingRoom::Ticket ticket;  // while it waits for a place
    std::size_t waits_for = 0;   // the member
    TimePoint queued_since;      // zero: it did not wait, or has had a place since
    TimePoint first_queued;      // its time to wait runs from here; zero: it never waited
    std::string detail;          // of a failure, for the log
  };
  class ObserverTap;
  // How long a refused client may take to read its alert and go.
  static constexpr Duration kLinger = std::chrono::seconds(1);
  // And a session of which one side has ended before the handshake did.
  static constexpr Duration kCutOffLinger = std::chrono::seconds(5);
  // The poller's slots.
  static constexpr unsigned kClientSlot = 0;
  static constexpr unsigned kBackendSlot = 1;

  void OnReady(unsigned slot, std::uint32_t events) override;
  bool WatchLeg(Leg& leg, unsigned slot);

  // Greeting (session_greeting.cc).
  void OnClientFirst();
  void Greet(Greeting::State state);
  void TakeHeader();
  bool Admit();
  void HelloDone();
  void Refuse(CloseReason reason, std::optional<tls::Alert> alert);
  void Linger();

  // Connecting (session_connect.cc).
  balance::Key PickKey(const PoolPlan& pool) const;
  balance::Candidates AllCandidates(const PoolPlan& pool) const;
  void PickBackend(const RouteDecision& route);
  std::optional<std::size_t> NextCandidate();
  void ConnectNext();
  enum class Place : std::uint8_t { kTaken, kFull, kBusy };
  Place TakePlace(std::size_t member, bool called_in);
  void LeavePlace();
  bool WaitFor(std::size_t member);
  TimePoint QueueEnd() const;
  void OnQueueTime();
  void TakeAnother();
  void RefuseOverload(CloseReason reason);
  void RefuseByAlert(CloseReason reason);
  bool TryConnect(std::size_t member);
  ConnectFrom ConnectSource() const;
  void CountConnectFailure(int error);
  void ConnectFailed(int error);
  void OnBackendFirst();
  void Connected();
  Flow::Outcome SendFirst(ByteView hello);
  void AppendProxyHeader(const config::Pool& pool, Bytes& out) const;

  // Relaying (session_relay.cc).
  void Relay();
  bool Pump(Flow& flow);
  void OnDeadLeg(Flow& from_it, Flow& to_it, Leg& leg);
  void SocketDied(Flow& flow, bool reader, int error);
  void Observe(tls::Side side, ByteView bytes);
  void CountHandshake();
  // Its handshake can come to no good end any more: one side has ended before it was done.
  bool cut_off() const {
    return first_eof_ && tls_ != TlsStage::kDone && tls_ != TlsStage::kUnseen;
  }
  Duration idle_limit() const {
    return cut_off() ? std::min(idle_timeout_, kCutOffLinger) : idle_timeout_;
  }
  void OnFirstEof();
  void Touch(bool by_client);
  void OnSilence();
  void Tell(std::optional<Signal> signal);
  Course course() const;
  TcpFacts SampleTcp(unsigned slot);

  // Ending.
  std::string_view ja4() const;
  void LeaveBackend();
  void LetGo(TimePoint now);
  void CountEnd(CloseReason reason, TimePoint now);
  void LogOpen(std::string_view why);
  void LogClose(CloseReason reason, TimePoint now, const TcpFacts& client, const TcpFacts& backend);

  Host& host_;
  const SessionId id_;
  Phase phase_ = Phase::kGreeting;
  bool closed_ = false;
  bool again_ = false;           // OnAgain() is due
  bool rested_ = false;          // OnRested() is due
  bool client_watched_ = false;  // by the poller
  std::optional<CloseReason> first_eof_;

  Leg client_;
  Leg backend_;
  Flow to_backend_;
  Flow to_client_;

  Gate* gate_;
  Lane* lane_ = nullptr;                         // since the first attempt to connect
  std::shared_ptr<backend::BackendLoad> load_;   // counts this session while set
  std::shared_ptr<Limiter> limiter_;             // likewise
  std::shared_ptr<balance::StickTable> sticks_;  // likewise
  std::unique_ptr<Opening> opening_;
  std::unique_ptr<tls::RecordObserver> observer_;  // until it has nothing more to learn

  SocketAddress client_address_;
  SocketAddress backend_address_;         // while there is a lane
  std::unique_ptr<SocketAddress> proxy_;  // who connected, when a PROXY header named the client
  std::string sni_;
  std::array<char, tls::kJa4Size> ja4_{};  // zero unless sessions are logged
  TlsStage tls_ = TlsStage::kUnseen;
  bool signalled_ = false;  // its signal of the backend is given
  bool pending_ = false;    // counted as such in load_
  Duration idle_timeout_;   // or less: what the rhythm allows
  Duration rhythm_{};       // 0: there is none
  TimePoint opened_;
  TimePoint client_spoke_;
  TimePoint backend_spoke_;
  TimePoint connected_;                    // to the backend; zero before
  Duration handshake_{};                   // 0 until it is done
  TimePoint handshake_until_;              // of the one under way; zero: none, or no limit
  std::uint32_t retransmits_[2] = {0, 0};  // of each slot's leg, as far as they are counted
  std::uint32_t handshake_bytes_ = 0;      // of the client, once the handshake is done
};

// What an idle tunnel costs in user space, and most of it all (docs/performance.md).
static_assert(sizeof(Session) <= 448, "one per tunnel: keep it small");

}  // namespace sstplb::session
