// What the controller tells a process that takes over, and what it makes of that in one.
//
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "lb/config/read.h"
#include "lb/config/write.h"
#include "lb/control/controller.h"

namespace sstplb::control {

Result<handoff::State> Controller::BeginHandoff() {
  if (handing_over_) return Error{"another process is taking over already"};
  if (stopping_) return Error{"the balancer is stopping"};
  handoff::State state;
  state_.decisions = registry_.decisions();
  const auto decisions = backend::FormatState(state_, WallClock::now());
  if (!decisions) return Error{"decisions: " + decisions.error().message};
  state.decisions = *decisions;
  state.config = config::WriteToml(config_);
  for (const backend::PoolView& pool : registry_.snapshot()->pools) {
    for (const backend::BackendView& backend : pool.backends) {
      const ProbeBook::Key key(pool.name, backend.name);
      handoff::BackendState& out = state.backends.emplace_back();
      out.pool = pool.name;
      out.backend = backend.name;
      const ProbePage* page = probe_book_.Find(pool.name, backend.name);
      const auto before = probed_.find(key);
      if (before != probed_.end()) out.probed = before->second;
      if (page != nullptr) out.probed = page->state.memory();
      out.resolved = backend.resolved;
      if (const auto down = down_.find(key); down != down_.end()) out.down_since = down->second;
    }
    const auto sticks = plan_builder_.Sticks(pool.name);
    if (sticks == nullptr) continue;
    for (auto& entry : sticks->Export(Clock::now())) {
      state.affinity.push_back({pool.name, std::move(entry)});
    }
  }
  state.control = {.drain_all = drain_all_, .refusing = refusing_};
  handing_over_ = true;
  return state;
}

Status Controller::Inherit(handoff::Estate estate) {
  auto theirs = config::ReadText(estate.state.config, "the old process's configuration");
  if (!theirs) return Error{theirs.error().front().ToString()};
  auto decisions = backend::ParseState(estate.state.decisions);
  if (!decisions) return Error{"the old process's decisions: " + decisions.error().message};
  theirs_ = std::move(*theirs);
  state_ = std::move(*decisions);
  inherited_ = std::move(estate.state);
  for (handoff::OfferedSocket& socket : estate.sockets) {
    if (socket.kind == handoff::SocketKind::kListener) {
      inherited_sockets_.push_back(std::move(socket));
    }
  }
  return Done{};
}

// With the configuration that the sessions are under: what is another in ours is applied by Start()
// as a reload would, when they are here.
void Controller::RestoreInherited() {
  configured_ = config_;
  config_.listeners = theirs_->listeners;
  config_.pools = theirs_->pools;
  drain_all_ = inherited_.control.drain_all;
  refusing_ = inherited_.control.refusing;
  registry_.Restore(state_.decisions);
  {
    backend::Registry::Batch batch(registry_);
    registry_.ApplyConfig(config_);
    for (const handoff::BackendState& backend : inherited_.backends) {
      registry_.SetResolved(backend.pool, backend.backend, backend.resolved);
      registry_.SetHealth(backend.pool, backend.backend, ToHealth(backend.probed.health));
      const ProbeBook::Key key(backend.pool, backend.backend);
      if (backend.down_since) down_[key] = *backend.down_since;
      if (backend.probed.health != probes::Health::kUnknown) probed_[key] = backend.probed;
    }
  }
  for (const auto& [key, memory] : probed_) {
    probe_thread_.loop().Post([this, k = key, m = memory] {
      prober_->Restore({k.first, k.second}, m);
    });
  }
  std::map<std::string, std::vector<balance::StickEntry>> entries;
  for (handoff::Affinity& affinity : inherited_.affinity) {
    entries[affinity.pool].push_back(std::move(affinity.entry));
  }
  for (auto& [pool, of_pool] : entries) {
    const auto sticks = plan_builder_.Sticks(pool);
    if (sticks != nullptr) sticks->Restore(std::move(of_pool), Clock::now());
  }
  inherited_ = {};
}

}  // namespace sstplb::control
