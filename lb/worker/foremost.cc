// What a drain and a rebalance ask of a worker: whom it would close first, who is where, and to
// close them.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lb/worker/worker.h"

namespace sstplb::worker {
namespace {

bool Earlier(const Candidate& a, const Candidate& b) { return a.since < b.since; }

// Keeps the `most` earliest: a heap with the latest of them on top.
void Keep(std::vector<Candidate>& heap, std::size_t most, const Candidate& candidate) {
  if (heap.size() == most) {
    if (most == 0 || !Earlier(candidate, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), Earlier);
    heap.pop_back();
  }
  heap.push_back(candidate);
  std::push_heap(heap.begin(), heap.end(), Earlier);
}

}  // namespace

std::vector<std::vector<Candidate>> Worker::Foremost(const std::vector<Choice>& choices) const {
  // Names are compared once for each lane, so that a session costs a look at a pointer.
  std::vector<std::pair<const session::Lane*, std::size_t>> wanted;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Choice& choice = choices[i];
    for (const auto& [key, lane] : books_.lanes()) {
      if (choice.pool.empty() || (key.pool == choice.pool && key.backend == choice.backend)) {
        wanted.emplace_back(lane.get(), i);
      }
    }
  }
  std::vector<std::vector<Candidate>> found(choices.size());
  if (wanted.empty()) return found;
  for (const auto& [id, session] : sessions_) {
    for (const auto& [lane, i] : wanted) {
      if (lane != session->lane()) continue;
      const TimePoint since = choices[i].idle_first ? session->last_byte() : session->opened();
      Keep(found[i], choices[i].count, {id, since});
    }
  }
  return found;
}

std::vector<Placement> Worker::Placements(std::string_view pool,
                                          const std::vector<std::string>& backends) const {
  std::vector<std::pair<const session::Lane*, std::size_t>> wanted;
  for (const auto& [key, lane] : books_.lanes()) {
    const auto backend = std::ranges::find(backends, key.backend);
    if (key.pool != pool || backend == backends.end()) continue;
    wanted.emplace_back(lane.get(), static_cast<std::size_t>(backend - backends.begin()));
  }
  std::vector<Placement> found;
  if (wanted.empty()) return found;
  for (const auto& [id, session] : sessions_) {
    for (const auto& [lane, backend] : wanted) {
      if (lane != session->lane() || !session->tunnels()) continue;
      found.push_back({.id = id,
                       .backend = backend,
                       .client = session->client_ip(),
                       .sni = session->sni(),
                       .last_byte = session->last_byte()});
    }
  }
  return found;
}

bool Worker::SilentSince(session::SessionId id, TimePoint last_byte) const {
  const auto found = sessions_.find(id);
  return found != sessions_.end() && found->second->tunnels() &&
         found->second->last_byte() == last_byte;
}

void Worker::CloseThese(const std::vector<session::SessionId>& ids, session::CloseReason reason) {
  for (const session::SessionId id : ids) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) found->second->Close(reason);
  }
}

}  // namespace sstplb::worker
