// Inheritance: what this process has from the one that it took over from, until it is its own.
//
// From Take() until Settle() the sessions are under the other's configuration, and this process's
// own waits: so a difference between the two meets sessions that are here, as in a reload. What the
// other's probes had found is of use for longer.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/backend/state_text.h"
#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/control/plan_builder.h"
#include "lb/control/probe_book.h"
#include "lb/handoff/estate.h"
#include "probes/rise_fall.h"

namespace sstplb::control {

// Belongs to the control loop. A process that started on its own never calls Take() and has an
// empty one.
class Inheritance {
 public:
  using Probed = std::map<ProbeBook::Key, probes::RiseFall::Memory>;

  // Returns the other's decisions. An error says what of it cannot be read, and nothing is kept.
  Result<backend::State> Take(handoff::Estate estate);
  bool unsettled() const { return unsettled_; }

  // Each once, before Settle().
  std::vector<handoff::OfferedSocket> TakeSockets();  // of listeners
  std::vector<PoolSticks> TakeSticks();

  // The other's configuration; one without anything when there is none, and after Settle().
  const config::Config& theirs() const { return theirs_; }
  // What is in force until Settle(): `ours` with their listeners and pools. Keeps `ours`.
  config::Config Under(config::Config ours);
  const handoff::ControlState& control() const { return state_.control; }
  const std::vector<handoff::BackendState>& backends() const { return state_.backends; }
  // Those of `decisions` that are about a backend that had not departed there.
  std::vector<backend::Decision> WithoutDeparted(std::vector<backend::Decision> decisions) const;

  // Ends it; returns this process's own configuration, as Under() got it.
  config::Config Settle();

  // What the other's probes knew of a backend; null when they had found nothing.
  const probes::RiseFall::Memory* FindProbed(const ProbeBook::Key& key) const;
  const Probed& probed() const { return probed_; }

 private:
  bool unsettled_ = false;
  config::Config theirs_;
  config::Config ours_;
  handoff::State state_;
  std::vector<handoff::OfferedSocket> sockets_;
  Probed probed_;
};

}  // namespace sstplb::control
