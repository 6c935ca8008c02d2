// SPDX-License-Identifier: Apache-2.0
#include "lb/worker/worker.h"

#include <algorithm>
#include <utility>

namespace sstplb::worker {
namespace {

// What one read takes at most, and so what a stalled direction may hold.
constexpr std::size_t kScratchSize = 64 * 1024;
// Session ids: a count in the upper bits, the worker in the lowest byte.
constexpr int kWorkerBits = 8;

}  // namespace

Worker::Worker(std::uint32_t index, Logger& log, session::SessionBudget& budget)
    : index_(index),
      log_(log),
      budget_(budget),
      thread_("worker-" + std::to_string(index)),
      turn_begins_(ev()),
      turn_ends_(ev()),
      timer_(ev()),
      scratch_(kScratchSize) {
  turn_begins_.set<Worker, &Worker::OnTurnBegins>(this);
  turn_begins_.priority = EV_MAXPRI;  // before any event of the turn asks for the time
  turn_begins_.start();
  turn_ends_.set<Worker, &Worker::OnTurnEnds>(this);
  turn_ends_.start();
  timer_.set<Worker, &Worker::OnTimer>(this);
}

Worker::~Worker() { Stop(); }

void Worker::Stop() {
  Post([](Worker& self) {
    self.acceptors_.clear();
    self.CloseMatching({}, session::CloseReason::kShutdown);
  });
  thread_.Join();
}

void Worker::Post(std::function<void(Worker&)> task) {
  thread_.loop().Post([this, task = std::move(task)] { task(*this); });
}

void Worker::SetPlan(std::shared_ptr<const session::Plan> plan) {
  plan_ = std::move(plan);
  books_.Forget([&](const session::LaneKey& key) {
    const auto pool = plan_->FindPool(key.pool);
    return pool != nullptr && pool->view.Find(key.backend) != nullptr &&
           plan_->FindListener(key.listener) != nullptr;
  });
}

void Worker::AddSocket(ListenSocket socket) {
  acceptors_.push_back(std::make_unique<Acceptor>(ev(), std::move(socket.listener),
                                                  std::move(socket.fd), reserve_,
                                                  static_cast<Acceptor::Sink&>(*this)));
}

void Worker::RemoveSockets(const std::string& listener,
                           const std::optional<SocketAddress>& address) {
  std::erase_if(acceptors_, [&](const auto& acceptor) {
    return acceptor->listener() == listener && (!address || acceptor->address() == *address);
  });
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

void Worker::OnTurnBegins() { now_ = Clock::now(); }

void Worker::OnTurnEnds() {
  ended_.clear();
  const TimePoint end = Clock::now();
  loop_lag_.Observe(end - now_);
  const auto next = timeouts_.Next();
  if (!next || (timer_at_ && *timer_at_ <= *next)) return;
  timer_at_ = next;
  timer_.stop();
  timer_.start(EvSeconds(*next - end), 0.0);
}

void Worker::OnTimer() {
  timer_at_.reset();
  while (session::TimeoutLink* link = timeouts_.PopExpired(now_)) {
    static_cast<session::Session*>(link)->OnTimeout();
  }
}

}  // namespace sstplb::worker
