// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/export.h"

#include <algorithm>

#include "lb/handoff/session_codec.h"

namespace sstplb::handoff {
namespace {

// Opens a new batch when the last one is full.
Batch& Room(std::vector<Batch>& batches, MessageType type) {
  const bool fits = !batches.empty() && batches.back().body.size() < Channel::kMaxPart / 2 &&
                    batches.back().fds.size() < 2 * kSessionsPerBatch;
  if (!fits) {
    batches.push_back({.type = type, .body = {}, .fds = {}});
    batches.back().body.reserve(Channel::kMaxPart);
  }
  return batches.back();
}

void AddIdentity(const session::Session& session, Batch& batch) {
  EncodeIdentity(session.identity(), batch.body);
  batch.fds.push_back(session.client_fd());
  batch.fds.push_back(session.backend_fd());
  ++batch.records;
}

void Append(std::vector<Batch>&& from, std::vector<Batch>& to) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Batch ExportIdentities(worker::Worker& worker, std::span<const session::SessionId> ids,
                       std::vector<session::SessionId>& relaying) {
  Batch batch{.type = MessageType::kSessions, .body = {}, .fds = {}};
  for (const session::SessionId id : ids) {
    const session::Session* session = worker.FindSession(id);
    if (session == nullptr || !session->relaying()) continue;
    AddIdentity(*session, batch);
    relaying.push_back(id);
  }
  return batch;
}

Moved ExportMoved(worker::Worker& worker, const SessionIds& told, bool observer) {
  std::vector<Batch> sessions;
  std::vector<Batch> motions;
  std::vector<Batch> greetings;
  for (const session::SessionId id : worker.SessionIds()) {
    session::Session& session = *worker.FindSession(id);
    if (!session.relaying()) {
      Batch& batch = Room(greetings, MessageType::kGreetings);
      EncodeGreeting(session.greeting(), batch.body);
      batch.fds.push_back(session.client_fd());
      ++batch.records;
      continue;
    }
    if (!told.contains(id)) AddIdentity(session, Room(sessions, MessageType::kSessions));
    Batch& batch = Room(motions, MessageType::kMotions);
    EncodeMotion(session.motion(), observer, batch.body);
    ++batch.records;
  }
  Append(std::move(motions), sessions);
  Append(std::move(greetings), sessions);
  return {.batches = std::move(sessions), .last_session = worker.last_session()};
}

}  // namespace sstplb::handoff
