// Worker: one thread of the data path: a loop, listening sockets, sessions.
//
// Other threads talk to it by Post() alone. What it needs to know comes as an immutable plan; what
// it knows goes out as copies.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "lb/base/alarm.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/base/mailbox.h"
#include "lb/base/poller.h"
#include "lb/base/result.h"
#include "lb/session/image.h"
#include "lb/session/session.h"
#include "lb/worker/acceptor.h"
#include "lb/worker/choice.h"
#include "metrics/histogram.h"

namespace sstplb::worker {

inline constexpr std::uint32_t kMaxWorkers = 256;

// How many workers there are to be: as many as wanted, or with 0 one per CPU that the process may
// use.
std::uint32_t WorkerCount(std::uint32_t wanted);

// A session's id: a count in the upper bits, the worker that it began at in the lowest byte.
inline constexpr int kWorkerBits = 8;
inline std::uint64_t CountOf(session::SessionId id) { return id >> kWorkerBits; }
inline std::uint32_t WorkerOf(session::SessionId id) {
  return static_cast<std::uint32_t>(id & ((1u << kWorkerBits) - 1));
}

// How the sessions of one lane live at one moment.
struct LaneLiveness {
  std::string pool;
  std::string backend;
  std::array<std::uint32_t, session::kLivenessCount> sessions{};
  metrics::Histogram silence{metrics::kSilenceBounds};
};

// Copies of a worker's counters at one moment.
struct Report {
  std::uint32_t worker = 0;
  std::vector<session::Lane> lanes;
  std::vector<session::Gate> gates;
  std::vector<LaneLiveness> liveness;  // only when it was asked for
  metrics::Histogram loop_lag{metrics::kLoopLagBounds};
};

// One listening socket on its way to a worker.
struct ListenSocket {
  std::string listener;
  Fd fd;
  bool shared = false;  // a copy of the one socket that all workers have
};

// One that a worker has.
struct OpenSocket {
  std::string listener;
  SocketAddress address;  // as bound
  bool shared = false;
  int fd = -1;  // the worker's
};

// Listening sockets that go from one listener to another, at the address that they are bound to.
struct Renaming {
  std::string from;
  std::string to;
  SocketAddress address;
};

class Worker final : private session::Host, private Acceptor::Sink {
 public:
  // `log` and `budget` must outlive the worker. Workers of one process have different indexes, all
  // below `workers`.
  Worker(std::uint32_t index, Logger& log, session::SessionBudget& budget, std::uint32_t workers);
  // Sessions that are left are closed with reason shutdown.
  ~Worker();

  void Start();
  // Closes all sessions and ends the thread.
  void Stop();

  // From any thread; runs on the worker's, in order of posting.
  void Post(std::function<void(Worker&)> task);

  // Whether sessions have told something of backends. From any thread.
  bool has_sightings() const { return books_.has_sightings(); }

  // The rest on the worker's thread only.
  void SetPlan(std::shared_ptr<const session::Plan> plan);
  void AddSocket(ListenSocket socket);
  // Closes the listening sockets of one listener; live sessions run on.
  void RemoveSockets(const std::string& listener, const std::optional<SocketAddress>& address);
  // Gives them to another listener, which the next plan has: who is in their queues stays.
  void RenameSockets(const Renaming& renaming);
  // All clients are refused, until each listener listens again.
  void StopListening();
  void Listen(const std::string& listener, const config::Tcp& tcp);
  // Gives them other options in place; live sessions keep theirs.
  void RetuneSockets(const std::string& listener, const SocketAddress& address,
                     const config::Tcp& from, const config::Tcp& to);
  Report MakeReport() const;
  // The same with liveness: one look at every session.
  Report MakeFullReport() const;
  std::vector<session::BackendSightings> TakeSightings() { return books_.TakeSightings(); }
  // Those that match, by id, at most `limit` above `after`; `total` counts all that match.
  std::vector<session::SessionStatus> Find(const session::SessionFilter& filter,
                                           session::SessionId after, std::size_t limit,
                                           std::uint64_t& total) const;
  std::uint64_t CloseMatching(const session::SessionFilter& filter, session::CloseReason reason);
  // For each choice its first sessions that have a backend, in no order. One look at every session.
  std::vector<std::vector<Candidate>> Foremost(const std::vector<Choice>& choices) const;
  // The sessions of these backends whose TLS is through. One look at every session.
  std::vector<Placement> Placements(std::string_view pool,
                                    const std::vector<std::string>& backends) const;
  // Whether it is there and no byte has come since.
  bool SilentSince(session::SessionId id, TimePoint last_byte) const;
  // Those that are still there.
  void CloseThese(const std::vector<session::SessionId>& ids, session::CloseReason reason);

  // Handing over to another process (handover.cc).
  std::vector<OpenSocket> Sockets() const;
  std::vector<session::SessionId> SessionIds() const;
  session::Session* FindSession(session::SessionId id);  // null when it has ended
  std::uint64_t last_session() const { return last_session_; }
  // Everything goes on in another process: lets all go, and ends the thread when the turn is over.
  void Abandon();

  // Taking over from one: before Start(), on the thread that will call it. Nothing is read or
  // written until the worker runs.
  Status Adopt(session::Identity&& identity, Fd client, Fd backend, const session::Plan& plan);
  bool Take(session::Motion&& motion);  // false when there is no such session
  // It has ended over there.
  void Drop(session::SessionId id);
  void DropAll();
  // To be read when the worker runs.
  void AdoptGreeting(session::GreetingImage&& image, Fd client);
  // No id up to this count is given again.
  void SetLastSession(std::uint64_t count) { last_session_ = std::max(last_session_, count); }
  // The worker's first task: what was adopted goes on.
  void GoOn();

 private:
  // How many sessions of a worker are asked for their TCP facts per second.
  static constexpr config::Rate kSampleRate{.per_second = 100, .burst = 20};

  // session::Host
  Poller& poller() override { return poller_; }
  TimePoint now() const override { return now_; }
  Logger& log() override { return log_; }
  session::Timeouts& timeouts() override { return timeouts_; }
  session::Books& books() override { return books_; }
  session::SessionBudget& budget() override { return budget_; }
  session::Buffers& buffers() override { return buffers_; }
  session::WaitingRoom& waiting() override { return waiting_; }
  void Again(session::Session& session) override { again_.push_back(&session); }
  void Rest(session::Session& session) override;
  bool TakeSample() override { return samples_.Take(kSampleRate, now_); }
  void Ended(session::Session& session) override;

  // Acceptor::Sink
  void OnAccepted(Acceptor& acceptor, Fd fd, const SocketAddress& peer) override;
  void OnTurnedAway(Acceptor& acceptor) override;
  std::uint64_t turn() const override { return turn_; }

  template <class Which>
  void CloseAcceptors(Which which);

  void Run();
  std::optional<std::chrono::milliseconds> MayWait() const;
  void RunAgain();
  void RunRested();
  void RunTimeouts();
  void EndTurn();

  void ResumeGreeting(const session::GreetingImage& image, Fd client);

  const std::uint32_t index_;
  Logger& log_;
  session::SessionBudget& budget_;
  Poller poller_;
  Alarm alarm_;
  Mailbox mailbox_;
  std::thread thread_;
  bool stopping_ = false;
  std::uint64_t turn_ = 0;
  TimePoint now_ = Clock::now();  // when it began

  session::Buffers buffers_;
  session::Timeouts timeouts_;
  session::Books books_;
  metrics::Histogram loop_lag_{metrics::kLoopLagBounds};
  session::TokenBucket samples_;
  session::WaitingRoom waiting_;
  std::shared_ptr<const session::Plan> plan_ = std::make_shared<const session::Plan>();
  ReserveFd reserve_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::unordered_map<session::SessionId, std::unique_ptr<session::Session>> sessions_;
  std::vector<session::Session*> again_;       // have more to do in the next turn
  std::vector<session::Session*> again_now_;   // and in this one
  std::vector<session::Session*> resting_;     // have bulk flows that gather bytes
  std::vector<session::Session*> rested_now_;  // and have done so for long enough
  TimePoint rest_ends_;                        // of all that rest
  // What the poller may still know of: destroyed when the turn ends.
  std::vector<std::unique_ptr<session::Session>> ended_;
  std::vector<std::unique_ptr<Acceptor>> closed_acceptors_;
  std::uint64_t last_session_ = 0;
};

}  // namespace sstplb::worker
