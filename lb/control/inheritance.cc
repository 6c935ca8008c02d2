// SPDX-License-Identifier: Apache-2.0
#include "lb/control/inheritance.h"

#include <algorithm>
#include <utility>

#include "lb/config/read.h"

namespace sstplb::control {

Result<backend::State> Inheritance::Take(handoff::Estate estate) {
  auto theirs = config::ReadText(estate.state.config, "the old process's configuration");
  if (!theirs) return Error{theirs.error().front().ToString()};
  auto decisions = backend::ParseState(estate.state.decisions);
  if (!decisions) return Error{"the old process's decisions: " + decisions.error().message};
  theirs_ = std::move(*theirs);
  state_ = std::move(estate.state);
  for (handoff::OfferedSocket& socket : estate.sockets) {
    if (socket.kind == handoff::SocketKind::kListener) sockets_.push_back(std::move(socket));
  }
  for (const handoff::BackendState& backend : state_.backends) {
    if (backend.probed.health == probes::Health::kUnknown) continue;
    probed_[{backend.pool, backend.backend}] = backend.probed;
  }
  unsettled_ = true;
  return std::move(*decisions);
}

std::vector<handoff::OfferedSocket> Inheritance::TakeSockets() {
  return std::exchange(sockets_, {});
}

std::vector<PoolSticks> Inheritance::TakeSticks() {
  std::map<std::string, std::vector<balance::StickEntry>> entries;
  for (handoff::Affinity& affinity : std::exchange(state_.affinity, {})) {
    entries[affinity.pool].push_back(std::move(affinity.entry));
  }
  std::vector<PoolSticks> sticks;
  for (auto& [pool, of_pool] : entries) sticks.push_back({pool, std::move(of_pool)});
  return sticks;
}

config::Config Inheritance::Under(config::Config ours) {
  config::Config under = ours;
  under.listeners = theirs_.listeners;
  under.pools = theirs_.pools;
  ours_ = std::move(ours);
  return under;
}

std::vector<backend::Decision> Inheritance::WithoutDeparted(
    std::vector<backend::Decision> decisions) const {
  std::erase_if(decisions, [this](const backend::Decision& decision) {
    return std::ranges::any_of(state_.backends, [&](const handoff::BackendState& backend) {
      return backend.departed && backend.pool == decision.pool &&
             backend.backend == decision.backend;
    });
  });
  return decisions;
}

config::Config Inheritance::Settle() {
  unsettled_ = false;
  theirs_ = {};
  state_ = {};
  return std::exchange(ours_, {});
}

const probes::RiseFall::Memory* Inheritance::FindProbed(const ProbeBook::Key& key) const {
  const auto found = probed_.find(key);
  return found == probed_.end() ? nullptr : &found->second;
}

}  // namespace sstplb::control
