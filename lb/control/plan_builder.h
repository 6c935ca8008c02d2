// PlanBuilder: turns a configuration and a snapshot of the backends into what workers follow.
//
// What is costly or has a memory is kept from plan to plan as long as nothing it was made from
// changes: Maglev tables, who was sent where, per-source limits.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lb/backend/snapshot.h"
#include "lb/config/config.h"
#include "lb/session/plan.h"

namespace sstplb::control {

// What the pools with balance = "source-ip" remember, as plain values.
struct PoolSticks {
  std::string pool;
  std::vector<balance::StickEntry> entries;
};

// Belongs to the control loop.
class PlanBuilder {
 public:
  std::shared_ptr<const session::Plan> Build(const config::Config& config,
                                             const backend::Snapshot& snapshot, bool stopping);

  // Null for a pool that remembers nobody.
  std::shared_ptr<balance::StickTable> Sticks(const std::string& pool) const;
  // For the process that takes over: as StickTable::Export() and Restore(), of every pool. Tables
  // appear with the first Build(), so what is restored before it is lost; pools that remember
  // nobody are ignored.
  std::vector<PoolSticks> ExportSticks(TimePoint now) const;
  void RestoreSticks(std::vector<PoolSticks> sticks, TimePoint now);

 private:
  struct PoolMemory {
    config::Balance balance = config::Balance::kConsistentHash;
    double max_load = 0;
    std::shared_ptr<const balance::Policy> policy;
    std::shared_ptr<balance::StickTable> sticks;
  };

  std::shared_ptr<const session::PoolPlan> BuildPool(const config::Pool& pool,
                                                     const backend::PoolView& view);
  std::shared_ptr<const session::ListenerPlan> BuildListener(const config::Listener& listener);

  std::map<std::string, PoolMemory> pools_;
  std::map<std::string, std::shared_ptr<const session::ListenerPlan>> listeners_;
  std::uint64_t generation_ = 0;
};

}  // namespace sstplb::control
