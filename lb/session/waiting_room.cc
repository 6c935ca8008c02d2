// SPDX-License-Identifier: Apache-2.0
#include "lb/session/waiting_room.h"

#include <algorithm>

#include "lb/session/session.h"

namespace sstplb::session {

WaitingRoom::Ticket WaitingRoom::Enter(backend::BackendLoad& load, std::uint64_t source,
                                       Session& session, std::uint32_t most) {
  const auto found = queues_.find(&load);
  const std::size_t line = found == queues_.end() ? 0 : found->second.LengthOf(source);
  if (line >= MostOfASource(most)) return {};
  if (load.queued.fetch_add(1, std::memory_order_relaxed) >= most) {
    // With it, its line must still be the shorter one: else they would go round in circles.
    if (found == queues_.end() || found->second.Longest() < line + 2) {
      load.queued.fetch_sub(1, std::memory_order_relaxed);
      return {};
    }
    found->second.LastOfLongest()->GiveWay();
  }
  return {.load = &load, .place = queues_[&load].Push(source, &session)};
}

// How many of one source may wait in this worker. The kernel spreads a source's connections over
// the workers, so they get even shares. One worker alone needs no bound: it sees who is to give
// way.
std::size_t WaitingRoom::MostOfASource(std::uint32_t most) const {
  if (workers_ <= 1 || most == 0) return most;
  return std::max(1u, most / 2 / workers_);
}

void WaitingRoom::Leave(Ticket& ticket, bool served) {
  if (ticket.load == nullptr) return;
  const auto found = queues_.find(ticket.load);
  if (served) {
    found->second.Pop();
  } else {
    found->second.Remove(ticket.place);
  }
  if (found->second.empty()) queues_.erase(found);
  ticket.load->queued.fetch_sub(1, std::memory_order_relaxed);
  ticket.load = nullptr;
}

// A session that is called in leaves, and may come to wait for another backend.
void WaitingRoom::Serve() {
  std::vector<backend::BackendLoad*> loads;
  for (const auto& [load, queue] : queues_) loads.push_back(load);
  for (backend::BackendLoad* load : loads) {
    for (auto found = queues_.find(load); found != queues_.end(); found = queues_.find(load)) {
      if (!found->second.front()->OnTurn()) break;
    }
  }
}

std::vector<Session*> WaitingRoom::All() const {
  std::vector<Session*> all;
  for (const auto& [load, queue] : queues_) {
    queue.ForEach([&all](Session* session) { all.push_back(session); });
  }
  return all;
}

}  // namespace sstplb::session
