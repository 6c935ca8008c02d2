// What the controller tells a process that takes over, and what it makes of that in one.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lb/config/write.h"
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

// The backend as one of the configuration, so that its sessions find their place: disabled, in a
// pool of its own when that has gone too.
void AddDeparted(const Departures::Key& key, const Departures::Departed& departed,
                 config::Config& config) {
  auto pool = std::ranges::find(config.pools, key.first, &config::Pool::name);
  if (pool == config.pools.end()) {
    config::Pool gone;
    gone.name = key.first;
    pool = config.pools.insert(config.pools.end(), std::move(gone));
  }
  if (std::ranges::count(pool->backends, key.second, &config::Backend::name) != 0) return;
  config::Backend& backend = pool->backends.emplace_back();
  backend.name = key.second;
  backend.address = departed.view.address;
  backend.admin = config::AdminState::kDisabled;
}

}  // namespace

Result<handoff::State> Controller::BeginHandoff() {
  if (upgrades_.handing_over()) return Error{"another process is taking over already"};
  if (stopping_) return Error{"the balancer is stopping"};
  handoff::State state;
  GatherState();
  const CertificateBook::Memories certificates = certificate_book_.Export();
  const auto decisions = backend::FormatState(state_, WallClock::now());
  if (!decisions) return Error{"decisions: " + decisions.error().message};
  state.decisions = *decisions;
  config::Config config = config_;
  for (const auto& [key, departed] : departures_.all()) {
    AddDeparted(key, departed, config);
    state.backends.push_back({.pool = key.first,
                              .backend = key.second,
                              .resolved = departed.view.resolved,
                              .departed = departed.drain});
  }
  state.config = config::WriteToml(config);
  for (const backend::PoolView& pool : registry_.snapshot()->pools) {
    for (const backend::BackendView& backend : pool.backends) {
      const ProbeBook::Key key(pool.name, backend.name);
      handoff::BackendState& out = state.backends.emplace_back();
      out.pool = pool.name;
      out.backend = backend.name;
      const ProbePage* page = probe_book_.Find(pool.name, backend.name);
      if (const auto* before = inheritance_.FindProbed(key)) out.probed = *before;
      if (page != nullptr) out.probed = page->state.memory();
      out.resolved = backend.resolved;
      out.ready_since = backend.ready_since;
      ExportSensed(out);
      out.server_kind = probe_book_.ServerKindOf(key);
      const auto certificate = certificates.find(key);
      if (certificate != certificates.end()) {
        out.certificate_changes = certificate->second.changes;
      }
      if (const auto down = down_.find(key); down != down_.end()) out.down_since = down->second;
    }
    const auto sticks = plan_builder_.Sticks(pool.name);
    if (sticks == nullptr) continue;
    for (auto& entry : sticks->Export(Clock::now())) {
      state.affinity.push_back({pool.name, std::move(entry)});
    }
  }
  state.control = {.handoffs = upgrades_.Counts(), .drain_all = drain_all_, .refusing = refusing_};
  upgrades_.BeginHandoff();
  return state;
}

Status Controller::Inherit(handoff::Estate estate) {
  auto decisions = inheritance_.Take(std::move(estate));
  if (!decisions) return decisions.error();
  state_ = std::move(*decisions);
  return Done{};
}

// With the configuration that the sessions are under: what is another in ours is applied by Start()
// as a reload would, when they are here.
void Controller::RestoreInherited() {
  RestoreRebalances();
  config_ = inheritance_.Under(std::move(config_));
  drain_all_ = inheritance_.control().drain_all;
  refusing_ = inheritance_.control().refusing;
  upgrades_.Restore(inheritance_.control().handoffs);
  registry_.Restore(inheritance_.WithoutDeparted(state_.decisions));
  registry_.ApplyConfig(config_);
  {
    backend::Registry::Batch batch(registry_);
    for (const handoff::BackendState& backend : inheritance_.backends()) {
      RestoreSensed(backend);
      registry_.SetResolved(backend.pool, backend.backend, backend.resolved);
      registry_.SetHealth(backend.pool, backend.backend, ToHealth(backend.probed.health));
      if (backend.down_since) down_[{backend.pool, backend.backend}] = *backend.down_since;
    }
  }
  RestoreCertificates();
  for (const handoff::BackendState& backend : inheritance_.backends()) {
    if (backend.server_kind.empty()) continue;
    probe_book_.RestoreServerKind({backend.pool, backend.backend}, backend.server_kind);
    probe_thread_.loop().Post(
        [this, key = probes::TargetKey{backend.pool, backend.backend}, kind = backend.server_kind] {
          prober_->RestoreServerKind(key, kind);
        });
  }
  for (const auto& [key, memory] : inheritance_.probed()) {
    probe_thread_.loop().Post([this, k = key, m = memory] {
      prober_->Restore({k.first, k.second}, m);
    });
  }
  plan_builder_.RestoreSticks(inheritance_.TakeSticks(), Clock::now());
}

// The sessions are here: what was removed departs again, and what our configuration does not have.
void Controller::ApplyOurs() {
  const std::string their_file = inheritance_.theirs().global.state_file;
  const std::vector<handoff::BackendState> backends = inheritance_.backends();
  config_ = inheritance_.Settle();
  keeper_.Continue(their_file, state_);
  if (config_.global.state_file != their_file) keeper_.Move(config_.global.state_file, state_);
  {
    backend::Registry::Batch batch(registry_);
    registry_.Restore(state_.decisions);
    registry_.ApplyConfig(config_);
  }
  for (const handoff::BackendState& backend : backends) {
    if (backend.departed) {
      departures_.SetDrain(backend.pool, backend.backend, *backend.departed);
    }
  }
}

void Controller::HandedOver() { keeper_.Release(); }

}  // namespace sstplb::control
