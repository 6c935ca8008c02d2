// How a worker's sockets and sessions leave this process, and how they come into it.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lb/worker/worker.h"

namespace sstplb::worker {

std::vector<OpenSocket> Worker::Sockets() const {
  std::vector<OpenSocket> sockets;
  for (const auto& acceptor : acceptors_) {
    sockets.push_back(
        {acceptor->listener(), acceptor->address(), acceptor->shared(), acceptor->fd()});
  }
  return sockets;
}

std::vector<session::SessionId> Worker::SessionIds() const {
  std::vector<session::SessionId> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  return ids;
}

session::Session* Worker::FindSession(session::SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Worker::Abandon() {
  for (const session::SessionId id : SessionIds()) FindSession(id)->Disown();
  for (auto& acceptor : acceptors_) {
    acceptor->Close();
    closed_acceptors_.push_back(std::move(acceptor));
  }
  acceptors_.clear();
  stopping_ = true;
}

Status Worker::Adopt(session::Identity&& identity, Fd client, Fd backend,
                     const session::Plan& plan) {
  now_ = Clock::now();
  budget_.Adopt();
  const session::SessionId id = identity.id;
  SetLastSession(CountOf(id));
  auto session =
      std::make_unique<session::Session>(static_cast<session::Host&>(*this), std::move(identity),
                                         std::move(client), std::move(backend), plan);
  session::Session& adopted = *session;
  if (!sessions_.emplace(id, std::move(session)).second) {
    return Error{"session " + session::ToString(id) + " came twice"};
  }
  if (!adopted.Watch()) {
    return Error{std::string("cannot watch a session's sockets: ") + std::strerror(errno)};
  }
  return Done{};
}

bool Worker::Take(session::Motion&& motion) {
  session::Session* session = FindSession(motion.id);
  if (session == nullptr || !session->relaying()) return false;
  session->Take(std::move(motion));
  return true;
}

void Worker::Drop(session::SessionId id) {
  session::Session* session = FindSession(id);
  if (session == nullptr) return;
  session->Disown();
  ended_.clear();
}

void Worker::DropAll() {
  for (const session::SessionId id : SessionIds()) Drop(id);
}

void Worker::AdoptGreeting(session::GreetingImage&& image, Fd client) {
  budget_.Adopt();
  // A task must be copyable, which a descriptor's owner is not.
  auto fd = std::make_shared<Fd>(std::move(client));
  auto kept = std::make_shared<const session::GreetingImage>(std::move(image));
  Post([kept, fd](Worker& self) { self.ResumeGreeting(*kept, std::move(*fd)); });
}

void Worker::ResumeGreeting(const session::GreetingImage& image, Fd client) {
  SetLastSession(CountOf(image.id));
  auto listener = plan_->FindListener(image.listener);
  if (listener == nullptr) return budget_.Leave();  // not configured any more: closed
  auto session = std::make_unique<session::Session>(
      static_cast<session::Host&>(*this), image.id,
      session::Arrival{std::move(client), image.peer, plan_, std::move(listener)});
  session::Session& resumed = *session;
  if (sessions_.emplace(image.id, std::move(session)).second) resumed.Resume(image);
}

void Worker::GoOn() {
  std::vector<session::Session*> adopted;
  adopted.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) {
    if (session->relaying()) adopted.push_back(session.get());
  }
  // Timeouts are armed in the order in which they run out.
  std::ranges::sort(adopted, {}, &session::Session::last_byte);
  for (session::Session* session : adopted) session->GoOn();
}

}  // namespace sstplb::worker
