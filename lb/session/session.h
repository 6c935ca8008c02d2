// Session: one tunnel, from accept to close: two legs, one phase (docs/life_of_a_session.md).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/session/close_reason.h"
#include "lb/session/flow.h"
#include "lb/session/greeting.h"
#include "lb/session/lane.h"
#include "lb/session/picker.h"
#include "lb/session/plan.h"
#include "lb/session/status.h"
#include "lb/session/tcp_facts.h"
#include "lb/session/tcp_socket.h"
#include "lb/session/timeouts.h"
#include "lb/tls/alert.h"
#include "lb/tls/record_observer.h"

namespace sstplb::session {

class Session;

// What a session needs of the worker that runs it. All on the worker's thread.
class Host {
 public:
  virtual ev::loop_ref& ev() = 0;
  virtual TimePoint now() const = 0;  // of this turn of the loop
  virtual Logger& log() = 0;
  virtual Timeouts& timeouts() = 0;
  virtual Books& books() = 0;
  virtual SessionBudget& budget() = 0;
  // For reading into; nobody keeps it beyond a call.
  virtual std::span<std::uint8_t> scratch() = 0;
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
class Session final : public TimeoutLink {
 public:
  // The budget was entered for it; it leaves the budget when it ends.
  Session(Host& host, SessionId id, Arrival arrival);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // May end the session before it returns.
  void Start();
  void OnTimeout();
  void Close(CloseReason reason);

  SessionId id() const { return id_; }
  bool closed() const { return closed_; }
  bool connected() const { return connected_ != TimePoint(); }  // a backend has taken it
  SessionStatus status() const;

 private:
  // One socket of the session and what is awaited of it.
  struct Leg {
    Fd fd;
    ev::io io;
    int wanted = 0;  // ev::READ | ev::WRITE

    void Want(int events);
    void Drop();  // stops waiting and closes
  };
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
    std::optional<SocketAddress> server_address;  // what the client dialled, by its PROXY header
    std::optional<CloseReason> refused;  // an alert was sent; only the client's end is awaited

    // Once routed:
    std::shared_ptr<const PoolPlan> pool;
    balance::Candidates candidates;
    std::size_t next_candidate = 0;
    std::uint32_t attempts = 0;
    TimePoint attempt_began;
  };
  class ObserverTap;

  // Greeting (session_greeting.cc).
  void OnClientFirst();
  void Greet(Greeting::State state);
  void TakeHeader();
  bool Admit();
  void HelloDone();
  void Refuse(CloseReason reason, std::optional<tls::Alert> alert);
  void Linger();

  // Connecting (session_connect.cc).
  void PickBackend(const RouteDecision& route, const HelloNames& names);
  void ConnectNext();
  bool TryConnect(std::size_t member);
  ConnectFrom ConnectSource() const;
  void CountConnectFailure(int error);
  void ConnectFailed(int error);
  void OnBackendFirst();
  void Connected();
  Bytes FirstBytes() const;
  void AppendProxyHeader(const config::Pool& pool, Bytes& out) const;

  // Relaying (session_relay.cc).
  void OnClient(ev::io& io, int events);
  void OnBackend(ev::io& io, int events);
  bool Pump(Flow& flow);
  void SocketDied(Flow& flow, bool reader, int error);
  void Observe(tls::Side side, ByteView bytes);
  void CountHandshake();
  void Rearm();
  void Touch();

  // Ending.
  void LeaveBackend();
  void CountEnd(CloseReason reason, TimePoint now);
  void LogOpen(std::string_view why);
  void LogClose(CloseReason reason, TimePoint now, const TcpFacts& client, const TcpFacts& backend);

  Host& host_;
  const SessionId id_;
  Phase phase_ = Phase::kGreeting;
  bool closed_ = false;
  std::optional<CloseReason> first_eof_;

  Leg client_;
  Leg backend_;
  Flow to_backend_;
  Flow to_client_;
  std::uint64_t first_bytes_ = 0;  // of the client, sent on before the flow began

  Gate* gate_;
  Lane* lane_ = nullptr;                         // since the first attempt to connect
  std::shared_ptr<backend::BackendLoad> load_;   // counts this session while set
  std::shared_ptr<Limiter> limiter_;             // likewise
  std::shared_ptr<balance::StickTable> sticks_;  // likewise
  std::unique_ptr<Opening> opening_;
  std::unique_ptr<tls::RecordObserver> observer_;  // until it has nothing more to learn

  SocketAddress client_address_;
  std::optional<SocketAddress> proxy_;
  std::optional<SocketAddress> backend_address_;
  std::string sni_;
  std::string ja4_;
  std::string detail_;  // of a failure, for the log
  Duration idle_timeout_;
  TimePoint opened_;
  TimePoint last_byte_;
  TimePoint armed_;       // when the idle timeout was last set
  TimePoint connected_;   // to the backend; zero before
  Duration handshake_{};  // 0 until it is done
};

}  // namespace sstplb::session
