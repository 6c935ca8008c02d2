// WaitingRoom: the sessions of one worker that wait for a place at their backend.
//
// How many may wait for a backend over all workers is counted in its BackendLoad; who waits stays
// in the worker, without a lock. A worker whose sessions wait looks at each of its turns whether
// there is a place, and takes one at least every kLook: the place may have been freed by another
// worker.
//
// A queue that is full takes who comes from a source that has a shorter line than another: the last
// of the longest line gives way. A worker knows the lines of its own only, so where there are
// several it also bounds each line, such that no source ever has more than half of a queue.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lb/backend/snapshot.h"
#include "lb/base/time.h"
#include "lb/session/fair_queue.h"

namespace sstplb::session {

class Session;

// Belongs to one worker's thread.
class WaitingRoom {
 public:
  // Of a balancer with so many workers.
  explicit WaitingRoom(std::uint32_t workers) : workers_(workers) {}

  static constexpr Duration kLook = std::chrono::milliseconds(10);

  struct Ticket {
    backend::BackendLoad* load = nullptr;  // null: does not wait
    FairQueue<Session*>::Ticket place;
  };

  bool empty() const { return queues_.empty(); }
  // Whether anybody of this worker waits for it: who comes now must not overtake.
  bool Waits(backend::BackendLoad& load) const { return queues_.contains(&load); }

  // `load` must live until the ticket is given back. Null `load` of the ticket: `most` wait
  // already, and none of them gives way (Session::GiveWay), or too many are of its source.
  Ticket Enter(backend::BackendLoad& load, std::uint64_t source, Session& session,
               std::uint32_t most);
  // Gives it back, if it is one. `served`: it is the front's, whose turn is over with it.
  void Leave(Ticket& ticket, bool served = false);

  // Calls in sessions by Session::OnTurn(), as long as they get places.
  void Serve();
  // Of each queue in the order of their turns.
  std::vector<Session*> All() const;

 private:
  std::size_t MostOfASource(std::uint32_t most) const;

  const std::uint32_t workers_;
  std::unordered_map<backend::BackendLoad*, FairQueue<Session*>> queues_;  // none is empty
};

}  // namespace sstplb::session
