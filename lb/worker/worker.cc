// SPDX-License-Identifier: Apache-2.0
#include "lb/worker/worker.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace sstplb::worker {
namespace {

std::uint32_t CpusAllowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1u, static_cast<std::uint32_t>(CPU_COUNT(&set)));
}

}  // namespace

std::uint32_t WorkerCount(std::uint32_t wanted) {
  return std::min(wanted == 0 ? CpusAllowed() : wanted, kMaxWorkers);
}

Worker::Worker(std::uint32_t index, Logger& log, session::SessionBudget& budget,
               std::uint32_t workers)
    : index_(index),
      log_(log),
      budget_(budget),
      alarm_(poller_),
      mailbox_(poller_),
      waiting_(workers) {}

Worker::~Worker() { Stop(); }

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), ("worker-" + std::to_string(index_)).c_str());
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  Post([](Worker& self) {
    self.CloseAcceptors([](const Acceptor&) { return true; });
    self.CloseMatching({}, session::CloseReason::kShutdown);
    self.stopping_ = true;
  });
  thread_.join();
}

void Worker::Post(std::function<void(Worker&)> task) {
  mailbox_.Post([this, task = std::move(task)] { task(*this); });
}

// One turn after the other: take what has happened, tell it, go on with what had too much to do for
// one turn, expire, clean up.
void Worker::Run() {
  // splice() to a socket that is dead raises it, and only the thread itself can be spared.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (!stopping_) {
    poller_.Wait(MayWait());
    ++turn_;
    now_ = Clock::now();
    poller_.Tell();
    RunAgain();
    if (!resting_.empty() && now_ >= rest_ends_) RunRested();
    if (alarm_.TakeRing()) RunTimeouts();
    if (!waiting_.empty()) waiting_.Serve();
    EndTurn();
  }
  mailbox_.Close();  // who waits for an answer is not left to wait
}

void Worker::SetPlan(std::shared_ptr<const session::Plan> plan) {
  plan_ = std::move(plan);
  books_.Forget([&](const session::LaneKey& key) {
    const auto pool = plan_->FindPool(key.pool);
    return pool != nullptr && pool->view.Find(key.backend) != nullptr &&
           plan_->FindListener(key.listener) != nullptr;
  });
  for (session::Session* session : waiting_.All()) {
    if (session->waiting()) session->OnPlan(plan_);  // it may have had to give way to another
  }
}

void Worker::AddSocket(ListenSocket socket) {
  acceptors_.push_back(std::make_unique<Acceptor>(poller_, std::move(socket.listener),
                                                  std::move(socket.fd), socket.shared, reserve_,
                                                  static_cast<Acceptor::Sink&>(*this)));
}

void Worker::RemoveSockets(const std::string& listener,
                           const std::optional<SocketAddress>& address) {
  CloseAcceptors([&](const Acceptor& acceptor) {
    return acceptor.listener() == listener && (!address || acceptor.address() == *address);
  });
}

template <class Which>
void Worker::CloseAcceptors(Which which) {
  for (auto& acceptor : acceptors_) {
    if (!which(*acceptor)) continue;
    acceptor->Close();
    closed_acceptors_.push_back(std::move(acceptor));
  }
  std::erase(acceptors_, nullptr);
}

void Worker::RenameSockets(const Renaming& renaming) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->listener() == renaming.from && acceptor->address() == renaming.address) {
      acceptor->Rename(renaming.to);
    }
  }
}

void Worker::StopListening() {
  for (const auto& acceptor : acceptors_) acceptor->StopListening();
}

void Worker::Listen(const std::string& listener, const config::Tcp& tcp) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->listener() == listener) acceptor->Listen(tcp);
  }
}

void Worker::RetuneSockets(const std::string& listener, const SocketAddress& address,
                           const config::Tcp& from, const config::Tcp& to) {
  for (const auto& acceptor : acceptors_) {
    if (acceptor->listener() == listener && acceptor->address() == address) {
      acceptor->Retune(from, to);
    }
  }
}

void Worker::OnAccepted(Acceptor& acceptor, Fd fd, const SocketAddress& peer) {
  auto listener = plan_->FindListener(acceptor.listener());
  if (listener == nullptr) return;  // its socket goes in a moment as well
  if (!budget_.Enter()) {
    OnTurnedAway(acceptor);
    return;
  }
  const session::SessionId id = ++last_session_ << kWorkerBits | index_;
  auto session = std::make_unique<session::Session>(
      static_cast<session::Host&>(*this), id,
      session::Arrival{std::move(fd), peer, plan_, std::move(listener)});
  session::Session& started = *session;
  sessions_.emplace(id, std::move(session));
  started.Start();
}

void Worker::OnTurnedAway(Acceptor& acceptor) {
  auto& refused = books_.GateFor(acceptor.listener()).counters.refused;
  ++refused[static_cast<std::size_t>(session::CloseReason::kMaxSessions)];
}

void Worker::Ended(session::Session& session) {
  const auto found = sessions_.find(session.id());
  ended_.push_back(std::move(found->second));
  sessions_.erase(found);
}

Report Worker::MakeReport() const {
  Report report{.worker = index_, .loop_lag = loop_lag_};
  for (const auto& [key, lane] : books_.lanes()) report.lanes.push_back(*lane);
  for (const auto& [name, gate] : books_.gates()) report.gates.push_back(*gate);
  return report;
}

Report Worker::MakeFullReport() const {
  Report report = MakeReport();
  std::unordered_map<const session::Lane*, LaneLiveness> lanes;
  for (const auto& [id, session] : sessions_) {
    if (!session->connected()) continue;
    LaneLiveness& lane = lanes[session->lane()];
    ++lane.sessions[static_cast<std::size_t>(session->liveness())];
    lane.silence.Observe(now_ - session->last_byte());
  }
  for (auto& [lane, liveness] : lanes) {
    liveness.pool = lane->key.pool;
    liveness.backend = lane->key.backend;
    report.liveness.push_back(std::move(liveness));
  }
  return report;
}

std::vector<session::SessionStatus> Worker::Find(const session::SessionFilter& filter,
                                                 session::SessionId after, std::size_t limit,
                                                 std::uint64_t& total) const {
  // A status is only made of what is looked at: a list of ten thousand sessions, page by page, must
  // not stop the worker for longer than a page takes.
  const bool all = filter.IsEmpty();
  std::vector<const session::Session*> matching;
  for (const auto& [id, session] : sessions_) {
    if (filter.id && *filter.id != id) continue;
    if (!all && !filter.Matches(session->status())) continue;
    ++total;
    if (id > after) matching.push_back(session.get());
  }
  const auto end = matching.begin() + static_cast<std::ptrdiff_t>(std::min(limit, matching.size()));
  std::partial_sort(matching.begin(), end, matching.end(),
                    [](const auto* a, const auto* b) { return a->id() < b->id(); });
  std::vector<session::SessionStatus> found;
  for (auto it = matching.begin(); it != end; ++it) found.push_back((*it)->status());
  return found;
}

std::uint64_t Worker::CloseMatching(const session::SessionFilter& filter,
                                    session::CloseReason reason) {
  std::vector<session::Session*> matching;
  for (const auto& [id, session] : sessions_) {
    if (filter.Matches(session->status())) matching.push_back(session.get());
  }
  for (session::Session* session : matching) session->Close(reason);
  return matching.size();
}

std::optional<std::chrono::milliseconds> Worker::MayWait() const {
  if (!again_.empty()) return std::chrono::milliseconds(0);
  if (resting_.empty() && waiting_.empty()) return std::nullopt;
  if (resting_.empty()) {
    return std::chrono::ceil<std::chrono::milliseconds>(session::WaitingRoom::kLook);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(session::Flow::kRest);
}

// One clock for all that rest: who comes later rests a little shorter.
void Worker::Rest(session::Session& session) {
  if (resting_.empty()) rest_ends_ = now_ + session::Flow::kRest;
  resting_.push_back(&session);
}

void Worker::RunRested() {
  rested_now_.swap(resting_);
  for (session::Session* session : rested_now_) session->OnRested();
  rested_now_.clear();
}

void Worker::RunAgain() {
  // Who has still more to do is put into the next turn's list.
  again_now_.swap(again_);
  for (session::Session* session : again_now_) session->OnAgain();
  again_now_.clear();
}

void Worker::RunTimeouts() {
  while (session::TimeoutLink* link = timeouts_.PopExpired(now_)) {
    static_cast<session::Session*>(link)->OnTimeout();
  }
}

void Worker::EndTurn() {
  if (!ended_.empty()) {
    const auto closed = [](const session::Session* session) { return session->closed(); };
    std::erase_if(again_, closed);
    std::erase_if(resting_, closed);
    ended_.clear();
  }
  closed_acceptors_.clear();
  if (const auto next = timeouts_.Next()) alarm_.RingBy(*next);
  loop_lag_.Observe(Clock::now() - now_);
}

}  // namespace sstplb::worker
