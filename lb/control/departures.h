// Departures: backends that were removed while sessions are still on them.
//
// Such a backend is in no snapshot and no plan: no new session finds it. It is kept here, with the
// drain that empties it, until nobody can reach it any more: no session, and no client under way
// that began with an older plan.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/backend/snapshot.h"

namespace sstplb::control {

// How the sessions of a removed backend are closed: those settings of its pool, from `now` on.
backend::Drain DrainByStyle(const config::DrainStyle& style, WallTime now);

// Belongs to the control loop.
class Departures {
 public:
  using Key = std::pair<std::string, std::string>;  // pool, backend

  struct Departed {
    backend::BackendView view;  // as it was last
    backend::Drain drain;

    std::uint32_t sessions() const { return view.load->active.load(std::memory_order_relaxed); }
  };

  // Takes what is in `before` and not in `after`, and lets go what is in `after` again. The drain
  // is the style of the pool: as it is now, or as it was last when the pool went too. Returns what
  // it took.
  std::vector<Key> Update(const backend::Snapshot& before, const backend::Snapshot& after,
                          WallTime now);

  // Another drain for one that has departed; false when there is none of that name.
  bool SetDrain(std::string_view pool, std::string_view name, const backend::Drain& drain);

  // Forgets those that nobody can reach any more, and names those of them that had sessions. Only
  // when no snapshot but the current one is held by the caller.
  std::vector<Key> Sweep();

  // Null when it has not departed. Valid until the next change.
  const Departed* Find(std::string_view pool, std::string_view name) const;
  const std::map<Key, Departed>& all() const { return all_; }

 private:
  std::map<Key, Departed> all_;
};

}  // namespace sstplb::control
