// What the controller tells a process that takes over, and what it makes of that in one.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lb/config/read.h"
#include "lb/config/write.h"
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

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
  if (handing_over_) return Error{"another process is taking over already"};
  if (stopping_) return Error{"the balancer is stopping"};
  handoff::State state;
  GatherState();
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
  const auto pauses = handoffs_.pauses.counts();
  state.control = {.handoffs = {.taken = handoffs_.taken,
                                .failed = handoffs_.failed,
                                .sessions = handoffs_.sessions,
                                .pauses = {pauses.begin(), pauses.end()},
                                .pause_sum = FromSeconds(handoffs_.pauses.sum())},
                   .drain_all = drain_all_,
                   .refusing = refusing_};
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
  RestoreRebalances();
  configured_ = config_;
  config_.listeners = theirs_->listeners;
  config_.pools = theirs_->pools;
  drain_all_ = inherited_.control.drain_all;
  refusing_ = inherited_.control.refusing;
  handoffs_.taken = inherited_.control.handoffs.taken;
  handoffs_.failed = inherited_.control.handoffs.failed;
  handoffs_.sessions = inherited_.control.handoffs.sessions;
  handoffs_.pauses.Restore(inherited_.control.handoffs.pauses,
                           Seconds(inherited_.control.handoffs.pause_sum));
  auto decisions = state_.decisions;
  for (const handoff::BackendState& backend : inherited_.backends) {
    if (!backend.departed) continue;
    departed_.push_back(backend);
    std::erase_if(decisions, [&](const backend::Decision& decision) {
      return decision.pool == backend.pool && decision.backend == backend.backend;
    });
  }
  registry_.Restore(std::move(decisions));
  registry_.ApplyConfig(config_);
  {
    backend::Registry::Batch batch(registry_);
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

// The sessions are here: what was removed departs again, and what our configuration does not have.
void Controller::ApplyOurs() {
  config_ = *std::exchange(configured_, std::nullopt);
  keeper_.Continue(theirs_->global.state_file, state_);
  if (config_.global.state_file != theirs_->global.state_file) {
    keeper_.Move(config_.global.state_file, state_);
  }
  theirs_.reset();
  {
    backend::Registry::Batch batch(registry_);
    registry_.Restore(state_.decisions);
    registry_.ApplyConfig(config_);
  }
  for (const handoff::BackendState& backend : departed_) {
    departures_.SetDrain(backend.pool, backend.backend, *backend.departed);
  }
  departed_.clear();
}

void Controller::HandedOver() { keeper_.Release(); }

void Controller::TookOver(const TakeoverStatus& takeover) {
  takeover_ = takeover;
  ++handoffs_.taken;
  handoffs_.sessions += takeover.sessions;
  handoffs_.pauses.Observe(takeover.pause);
}

void Controller::BeginUpgrade() {
  upgrading_ = true;
  upgrade_failed_.clear();
}

void Controller::EndUpgrade(std::string why) {
  upgrading_ = false;
  upgrade_failed_ = std::move(why);
}

}  // namespace sstplb::control
