// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/takeover_side.h"

#include <algorithm>
#include <utility>

#include "lb/handoff/session_codec.h"

namespace sstplb::handoff {
namespace {

using std::chrono::seconds;

constexpr Duration kOfferWait = seconds(5);
constexpr Duration kNextWait = seconds(20);  // the old process may have to wait for its workers
constexpr Duration kCommitWait = seconds(10);

}  // namespace

Result<TakeoverSide> TakeoverSide::Connect(const std::string& path, std::string program) {
  auto channel = Channel::Connect(path);
  if (!channel) return channel.error();
  return TakeoverSide(std::move(*channel), std::move(program));
}

void TakeoverSide::Abort(const std::string& why) {
  if (!std::exchange(aborted_, true)) (void)channel_.Send(MessageType::kAbort, AsBytes(why));
}

TakeError TakeoverSide::Broken(const std::string& why) {
  Abort(why);
  return {.old_is_gone = false, .message = why};
}

Result<Message, TakeError> TakeoverSide::Next(Duration within) {
  auto message = channel_.Receive(within);
  if (!message) {
    const bool gone = message.error().kind == ChannelError::Kind::kEnded;
    if (gone) return TakeError{.old_is_gone = true, .message = message.error().what};
    return Broken(message.error().what);
  }
  if (message->type == MessageType::kAbort) {
    aborted_ = true;
    return TakeError{.old_is_gone = false, .message = std::string(AsText(message->body))};
  }
  return std::move(*message);
}

Result<Estate, TakeError> TakeoverSide::TakeEstate(std::uint32_t descriptors) {
  Bytes hello;
  EncodeHello({.descriptors = descriptors, .program = program_}, hello);
  (void)channel_.Send(MessageType::kHello, hello);
  auto offered = Next(kOfferWait);
  if (!offered) return offered.error();
  const auto offer =
      offered->type == MessageType::kOffer ? DecodeOffer(offered->body) : std::nullopt;
  if (!offer) return Broken("an OFFER was due");
  offer_ = *offer;

  Estate estate;
  State& state = estate.state;
  while (true) {
    auto message = Next(kNextWait);
    if (!message) return message.error();
    const ByteView body = message->body;
    bool sound = true;
    switch (message->type) {
      case MessageType::kSockets: {
        auto sockets = DecodeSockets(body, std::move(message->fds));
        sound = sockets.has_value();
        if (sound) std::ranges::move(*sockets, std::back_inserter(estate.sockets));
        if (sound) (void)channel_.Send(MessageType::kAck);
        break;
      }
      case MessageType::kConfig:
        state.config = AsText(body);
        break;
      case MessageType::kDecisions:
        state.decisions = AsText(body);
        break;
      case MessageType::kBackends: {
        auto backends = DecodeBackends(body);
        sound = backends.has_value();
        if (sound) state.backends = std::move(*backends);
        break;
      }
      case MessageType::kAffinity: {
        auto affinity = DecodeAffinity(body);
        sound = affinity.has_value();
        if (sound) std::ranges::move(*affinity, std::back_inserter(state.affinity));
        break;
      }
      case MessageType::kControl: {
        const auto control = DecodeControl(body);
        if (!control) return Broken("CONTROL is none of this format");
        state.control = *control;
        return estate;
      }
      default:
        sound = false;
    }
    if (!sound)
      return Broken(std::string(ToString(message->type)) +
                    " was not expected, or is none of this format");
  }
}

// The same worker as over there, or spread evenly where there are more or fewer.
worker::Worker& TakeoverSide::WorkerOf(session::SessionId id, const Workers& workers) const {
  const bool same = offer_.workers == workers.size();
  return *workers[(same ? worker::WorkerOf(id) : worker::CountOf(id)) % workers.size()];
}

Status TakeoverSide::TakeIdentities(Message& message, const Workers& workers,
                                    const session::Plan& plan) {
  Reader body(message.body);
  for (std::size_t i = 0; !body.empty(); i += 2) {
    auto identity = DecodeIdentity(body);
    if (!identity || message.fds.size() < i + 2) return Error{"SESSIONS is none of this format"};
    const session::SessionId id = identity->id;
    auto adopted = WorkerOf(id, workers)
                       .Adopt(std::move(*identity), std::move(message.fds[i]),
                              std::move(message.fds[i + 1]), plan);
    if (!adopted) return adopted;
    still_.insert(id);
  }
  (void)channel_.Send(MessageType::kAck);
  return Done{};
}

Status TakeoverSide::TakeMotions(const Message& message, const Workers& workers) {
  for (Reader body(message.body); !body.empty(); ++moved_) {
    auto motion = DecodeMotion(body);
    if (!motion) return Error{"MOTIONS is none of this format"};
    const session::SessionId id = motion->id;
    if (still_.erase(id) == 0 || !WorkerOf(id, workers).Take(std::move(*motion))) {
      return Error{"a motion of session " + session::ToString(id) + ", which did not come"};
    }
  }
  return Done{};
}

Status TakeoverSide::TakeGreetings(Message& message, const Workers& workers) {
  Reader body(message.body);
  for (std::size_t i = 0; !body.empty(); ++i, ++greetings_) {
    auto greeting = DecodeGreeting(body);
    if (!greeting || message.fds.size() <= i) return Error{"GREETINGS is none of this format"};
    worker::Worker& worker = WorkerOf(greeting->id, workers);
    worker.AdoptGreeting(std::move(*greeting), std::move(message.fds[i]));
  }
  (void)channel_.Send(MessageType::kAck);
  return Done{};
}

Status TakeoverSide::Take(Message& message, const Workers& workers, const session::Plan& plan) {
  switch (message.type) {
    case MessageType::kSessions:
      return TakeIdentities(message, workers, plan);
    case MessageType::kMotions:
      return TakeMotions(message, workers);
    case MessageType::kGreetings:
      return TakeGreetings(message, workers);
    default:
      return Error{std::string(ToString(message.type)) + " was not expected"};
  }
}

Result<Taken, TakeError> TakeoverSide::TakeSessions(const Workers& workers,
                                                    const session::Plan& plan) {
  (void)channel_.Send(MessageType::kReady);
  while (true) {
    auto message = Next(kNextWait);
    if (!message && message.error().old_is_gone) {
      // Its bytes went on moving after it told of them: nobody can say where they are.
      for (const auto& worker : workers) worker->DropAll();
      return Taken{.sessions = 0, .frozen = Clock::now(), .old_is_gone = true};
    }
    if (!message) return message.error();
    if (message->type != MessageType::kEnd) {
      if (const auto taken = Take(*message, workers, plan); !taken) {
        return Broken(taken.error().message);
      }
      continue;
    }
    const auto end = DecodeEnd(message->body);
    if (!end) return Broken("END is none of this format");
    return Finish(*end, workers);
  }
}

Result<Taken, TakeError> TakeoverSide::Finish(const End& end, const Workers& workers) {
  if (moved_ != end.relaying || greetings_ != end.greeting) {
    return Broken(std::to_string(end.relaying) + " sessions and " + std::to_string(end.greeting) +
                  " greetings were to come, and " + std::to_string(moved_) + " and " +
                  std::to_string(greetings_) + " came");
  }
  for (const auto& worker : workers) worker->SetLastSession(end.last_session);
  for (const session::SessionId id : still_) WorkerOf(id, workers).Drop(id);
  (void)channel_.Send(MessageType::kPrepared);
  // From here on its death leaves everything to this process: it has stopped, and tells ABORT
  // before it goes on.
  auto message = Next(kCommitWait);
  if (!message && !message.error().old_is_gone) return message.error();
  if (message && message->type != MessageType::kCommit) return Broken("a COMMIT was due");
  (void)channel_.Send(MessageType::kTaken);
  for (const auto& worker : workers) worker->Post([](worker::Worker& w) { w.GoOn(); });
  return Taken{.sessions = moved_ + greetings_, .frozen = end.frozen};
}

}  // namespace sstplb::handoff
