// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/handoff_side.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <future>
#include <optional>
#include <utility>

namespace sstplb::handoff {
namespace {

using std::chrono::seconds;

constexpr Duration kAnswerWait = seconds(5);  // HELLO, ACK
constexpr Duration kReadyWait = seconds(60);  // it reads a configuration and opens sockets
constexpr Duration kWorkerWait = seconds(2);  // a worker that does not come by is stuck
constexpr Duration kFrozenWait = seconds(2);  // from the freeze to PREPARED
constexpr Duration kTakenWait = seconds(2);
constexpr Duration kAbortWait = std::chrono::milliseconds(200);  // tunnels may stand still
constexpr Duration kKillWait = seconds(1);
constexpr const char* kStuckWorker = "a worker does not come by within 2 s";
constexpr std::size_t kAffinityPerMessage = 1000;
constexpr std::size_t kSocketsPerMessage = 100;

Error Failed(MessageType at, const ChannelError& error) {
  return Error{std::string(ToString(at)) + ": " + error.what};
}

}  // namespace

// All workers stopped between two events, until it is decided how it goes on.
class HandoffSide::Freeze {
 public:
  Freeze(const Workers& workers, const std::shared_ptr<const SessionIds>& told, bool observer)
      : began_(Clock::now()) {
    for (const auto& worker : workers) {
      auto exported = std::make_shared<std::promise<Moved>>();
      exported_.push_back(exported->get_future());
      worker->Post([exported, told, observer, verdict = verdict_](worker::Worker& w) {
        // Who was given up on before it came by has nothing to do.
        if (verdict.wait_for(Duration::zero()) == std::future_status::ready) return;
        exported->set_value(ExportMoved(w, *told, observer));
        if (verdict.get()) w.Abandon();
      });
    }
  }
  ~Freeze() { End(/*given=*/false); }

  // False when a worker does not stop.
  bool Await() {
    for (auto& future : exported_) {
      if (future.wait_until(began_ + kWorkerWait) != std::future_status::ready) return false;
      moved_.push_back(future.get());
    }
    return true;
  }

  // Lets the workers go on, or let go of everything. Only the first call counts.
  void End(bool given) {
    if (!std::exchange(ended_, true)) promise_.set_value(given);
  }

  const std::vector<Moved>& moved() const { return moved_; }
  TimePoint began() const { return began_; }
  // Of the time that everything may stand still until the new process is prepared.
  Duration left() const { return began_ + kFrozenWait - Clock::now(); }

 private:
  const TimePoint began_;
  std::promise<bool> promise_;
  std::shared_future<bool> verdict_ = promise_.get_future().share();
  std::vector<std::future<Moved>> exported_;
  std::vector<Moved> moved_;
  bool ended_ = false;
};

HandoffSide::HandoffSide(Channel channel, Fd peer, const Workers& workers, std::string program)
    : channel_(std::make_shared<Channel>(std::move(channel))),
      peer_(std::move(peer)),
      workers_(workers),
      program_(std::move(program)) {}

Error HandoffSide::Abort(Error why) {
  if (fenced_) return why;
  const auto told = channel_->Send(MessageType::kAbort, AsBytes(why.message), {}, kAbortWait);
  if (!told && told.error().kind != ChannelError::Kind::kEnded) Fence();
  return why;
}

void HandoffSide::Refuse(const std::string& why) { (void)Abort(Error{why}); }

Status HandoffSide::Tell(MessageType type, ByteView body, std::span<const int> fds,
                         Duration within) {
  const auto sent = channel_->Send(type, body, fds, within);
  if (!sent) return Failed(type, sent.error());
  return Done{};
}

Status HandoffSide::Await(MessageType type, Duration within) {
  const auto message = channel_->Receive(within);
  if (!message) return Failed(type, message.error());
  if (message->type == type) return Done{};
  if (message->type == MessageType::kAbort) return Error{std::string(AsText(message->body))};
  return Error{std::string(ToString(type)) + " was due, and " +
               std::string(ToString(message->type)) + " came"};
}

Status HandoffSide::Greet(std::uint32_t open_files) {
  const auto message = channel_->Receive(kAnswerWait);
  if (!message) return Abort(Failed(MessageType::kHello, message.error()));
  if (message->type == MessageType::kAbort) return Error{std::string(AsText(message->body))};
  const auto hello =
      message->type == MessageType::kHello ? DecodeHello(message->body) : std::nullopt;
  if (!hello) return Abort({"this is no HELLO of a handoff"});
  if (hello->lowest > kHighestVersion || hello->highest < kLowestVersion) {
    return Abort({"the new process speaks versions " + std::to_string(hello->lowest) + " to " +
                  std::to_string(hello->highest) + " of the handoff format, this one " +
                  std::to_string(kLowestVersion) + " to " + std::to_string(kHighestVersion) +
                  ": drain and restart instead"});
  }
  if (hello->descriptors < open_files) {
    return Abort({"the new process may have " + std::to_string(hello->descriptors) +
                  " files open, and " + std::to_string(open_files) +
                  " are open here: raise LimitNOFILE= or ulimit -n"});
  }
  offer_.version = std::min(hello->highest, kHighestVersion);
  offer_.features = hello->features & kFeatures;
  offer_.workers = static_cast<std::uint32_t>(workers_.size());
  offer_.descriptors = open_files;
  offer_.program = program_;
  return Done{};
}

Result<Given> HandoffSide::Give(const Estate& estate,
                                const std::function<void()>& about_to_freeze) {
  if (const auto told = TellAhead(estate); !told) return Abort(told.error());
  if (about_to_freeze) about_to_freeze();
  Freeze freeze(workers_, told_, (offer_.features & kFeatureObserver) != 0);
  const auto end = TellMoved(freeze);
  // It may be prepared all the same.
  if (!end) return Abort(end.error());
  if (const auto committed = Commit(); !committed) return committed.error();
  freeze.End(/*given=*/true);
  return Given{.sessions = end->relaying + end->greeting, .frozen = Clock::now() - freeze.began()};
}

// All that is told while everything here goes on.
Status HandoffSide::TellAhead(const Estate& estate) {
  if (auto told = TellEstate(estate); !told) return told;
  if (auto ready = Await(MessageType::kReady, kReadyWait); !ready) return ready;
  for (const auto& worker : workers_) {
    if (auto copied = CopyAhead(*worker); !copied) return copied;
  }
  return Done{};
}

Status HandoffSide::TellEstate(const Estate& estate) {
  for (const auto& worker : workers_) {
    auto answer = std::make_shared<std::promise<std::size_t>>();
    auto count = answer->get_future();
    worker->Post([answer](worker::Worker& w) { answer->set_value(w.SessionIds().size()); });
    if (count.wait_for(kWorkerWait) != std::future_status::ready) {
      return Error{kStuckWorker};
    }
    offer_.sessions += static_cast<std::uint32_t>(count.get());
  }
  Bytes body;
  EncodeOffer(offer_, body);
  if (auto told = Tell(MessageType::kOffer, body); !told) return told;
  if (auto told = TellSockets(estate.sockets); !told) return told;
  return TellState(estate.state);
}

Status HandoffSide::TellSockets(const std::vector<OfferedSocket>& sockets) {
  for (std::size_t i = 0; i < sockets.size(); i += kSocketsPerMessage) {
    Bytes body;
    std::vector<int> fds;
    for (std::size_t k = i; k < std::min(i + kSocketsPerMessage, sockets.size()); ++k) {
      EncodeSocket(sockets[k], body);
      fds.push_back(sockets[k].fd.get());
    }
    if (auto told = Tell(MessageType::kSockets, body, fds); !told) return told;
    if (auto acked = Await(MessageType::kAck, kAnswerWait); !acked) return acked;
  }
  return Done{};
}

Status HandoffSide::TellState(const State& state) {
  if (auto told = Tell(MessageType::kConfig, AsBytes(state.config)); !told) return told;
  if (auto told = Tell(MessageType::kDecisions, AsBytes(state.decisions)); !told) return told;
  Bytes body;
  for (const BackendState& backend : state.backends) EncodeBackend(backend, body);
  if (auto told = Tell(MessageType::kBackends, body); !told) return told;
  for (std::size_t i = 0; i < state.affinity.size(); i += kAffinityPerMessage) {
    body.clear();
    const std::size_t end = std::min(i + kAffinityPerMessage, state.affinity.size());
    for (std::size_t k = i; k < end; ++k) EncodeAffinity(state.affinity[k], body);
    if (auto told = Tell(MessageType::kAffinity, body); !told) return told;
  }
  body.clear();
  EncodeControl(state.control, body);
  return Tell(MessageType::kControl, body);
}

// The identities and descriptors of all that relays, while it does. They are sent on the worker's
// own thread: there no descriptor's number can become another's meanwhile.
Status HandoffSide::CopyAhead(worker::Worker& worker) {
  auto listed = std::make_shared<std::promise<std::vector<session::SessionId>>>();
  auto ids_of = listed->get_future();
  // Only those: who is told of here is not told of again.
  worker.Post([listed](worker::Worker& w) {
    auto ids = w.SessionIds();
    std::erase_if(ids, [&](session::SessionId id) { return !w.FindSession(id)->relaying(); });
    listed->set_value(std::move(ids));
  });
  if (ids_of.wait_for(kWorkerWait) != std::future_status::ready) {
    return Error{kStuckWorker};
  }
  const auto ids = ids_of.get();
  for (std::size_t i = 0; i < ids.size(); i += kSessionsPerBatch) {
    const auto some = std::span(ids).subspan(i, std::min(kSessionsPerBatch, ids.size() - i));
    if (auto done = CopyBatch(worker, {some.begin(), some.end()}); !done) return done;
  }
  return Done{};
}

Status HandoffSide::CopyBatch(worker::Worker& worker, std::vector<session::SessionId> ids) {
  struct Sent {
    std::optional<ChannelError> error;
    std::vector<session::SessionId> relaying;
  };
  auto sent = std::make_shared<std::promise<Sent>>();
  auto outcome = sent->get_future();
  worker.Post([channel = channel_, sent, ids = std::move(ids)](worker::Worker& w) {
    Sent result;
    const Batch batch = ExportIdentities(w, ids, result.relaying);
    if (!result.relaying.empty()) {
      const auto done = channel->Send(batch.type, batch.body, batch.fds);
      if (!done) result.error = done.error();
    }
    sent->set_value(std::move(result));
  });
  if (outcome.wait_for(kWorkerWait) != std::future_status::ready) {
    Fence();  // the channel may be in use over there: no word can be said
    return Error{kStuckWorker};
  }
  const Sent result = outcome.get();
  if (result.error) return Failed(MessageType::kSessions, *result.error);
  if (result.relaying.empty()) return Done{};
  told_->insert(result.relaying.begin(), result.relaying.end());
  return Await(MessageType::kAck, kAnswerWait);
}

// Everything that has moved, until the new process has it all.
Result<End> HandoffSide::TellMoved(Freeze& freeze) {
  if (!freeze.Await()) return Error{kStuckWorker};
  End end{.frozen = freeze.began()};
  for (const Moved& moved : freeze.moved()) {
    end.last_session = std::max(end.last_session, moved.last_session);
    for (const Batch& batch : moved.batches) {
      if (batch.type == MessageType::kMotions) end.relaying += batch.records;
      if (batch.type == MessageType::kGreetings) end.greeting += batch.records;
      const auto told = Tell(batch.type, batch.body, batch.fds, freeze.left());
      if (!told) return told.error();
      if (batch.fds.empty()) continue;
      if (const auto acked = Await(MessageType::kAck, freeze.left()); !acked) return acked.error();
    }
  }
  Bytes body;
  EncodeEnd(end, body);
  if (const auto told = Tell(MessageType::kEnd, body, {}, freeze.left()); !told) {
    return told.error();
  }
  const auto prepared = Await(MessageType::kPrepared, freeze.left());
  if (!prepared) return prepared.error();
  return end;
}

// An error leaves the new process unable to touch anything: it has not been told COMMIT and knows
// that, or it is dead.
Status HandoffSide::Commit() {
  const auto committed = Tell(MessageType::kCommit, {}, {}, kTakenWait);
  auto taken = committed ? Await(MessageType::kTaken, kTakenWait) : committed;
  if (taken) return taken;
  // It may be about to: the end of the connection tells whether it was.
  if (!Fence()) return Error{taken.error().message + "; and the new process cannot be killed"};
  return Await(MessageType::kTaken, kAnswerWait);
}

// Kills the new process, so that it can do nothing any more, and awaits its end.
bool HandoffSide::Fence() {
  fenced_ = true;
  const bool sent = ::syscall(SYS_pidfd_send_signal, peer_.get(), SIGKILL, nullptr, 0) == 0;
  if (!sent && errno != ESRCH) return false;
  pollfd end{peer_.get(), POLLIN, 0};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(kKillWait);
  return ::poll(&end, 1, static_cast<int>(wait.count())) == 1;
}

}  // namespace sstplb::handoff
