// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/registry.h"

#include <algorithm>
#include <utility>

namespace sstplb::backend {
namespace {

std::string Label(std::string_view pool, std::string_view name) {
  return std::string(pool) + "/" + std::string(name);
}

// "vpn1, vpn2": what there is, for errors that name what there is not.
template <class Items>
std::string Names(const Items& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item.name;
  return out.empty() ? "none" : out;
}

bool IsEmpty(const Decision& d) {
  return !d.added && !d.removed && !d.admin && !d.weight && !d.max_sessions && !d.drain;
}

bool InFile(const config::Pool& pool, std::string_view name) {
  return std::any_of(pool.backends.begin(), pool.backends.end(),
                     [&](const config::Backend& b) { return b.name == name; });
}

bool InFile(const std::vector<config::Pool>& pools, const Decision& decision) {
  return std::any_of(pools.begin(), pools.end(), [&](const config::Pool& p) {
    return p.name == decision.pool && InFile(p, decision.backend);
  });
}

void Apply(const Decision& decision, config::Backend& backend) {
  if (decision.admin) backend.admin = *decision.admin;
  if (decision.weight) backend.weight = *decision.weight;
  if (decision.max_sessions) backend.max_sessions = *decision.max_sessions;
}

}  // namespace

Registry::Registry(OnChange on_change) : on_change_(std::move(on_change)) {}

void Registry::ApplyConfig(const config::Config& config) {
  const std::vector<config::Pool> before = std::exchange(pools_, config.pools);
  DropFulfilled(before);
  Publish();
}

void Registry::DropFulfilled(const std::vector<config::Pool>& before) {
  for (Decision& decision : decisions_) {
    const bool in_file = InFile(pools_, decision);
    if (in_file && !decision.removed) decision.added.reset();
    // Only when it has just left the file: a wrong file at a start must not forget anything.
    if (!in_file && InFile(before, decision)) decision.removed = false;
  }
}

Status Registry::Add(std::string_view pool, const config::Backend& backend) {
  const config::Pool* found = FindPool(pool);
  if (found == nullptr) {
    return Error{"no pool \"" + std::string(pool) + "\"; there are: " + Names(pools_)};
  }
  if (Wanted(pool, backend.name).ok()) {
    return Error{Label(pool, backend.name) + " exists already; change it, or remove it first"};
  }
  // Where the file has a backend of this name, the operator removed it: it stays hidden.
  const bool in_file = InFile(*found, backend.name);
  DecisionFor(pool, backend.name) = Decision{
      .pool = std::string(pool), .backend = backend.name, .added = backend, .removed = in_file};
  Publish();
  return Done{};
}

Status Registry::Remove(std::string_view pool, std::string_view name) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  const config::Pool* configured = FindPool(pool);
  DecisionFor(pool, name) = Decision{.pool = std::string(pool),
                                     .backend = std::string(name),
                                     .removed = InFile(*configured, name)};
  Publish();
  return Done{};
}

Status Registry::SetAdmin(std::string_view pool, std::string_view name, config::AdminState admin) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  Decision& decision = DecisionFor(pool, name);
  decision.admin = admin;
  decision.drain.reset();
  Publish();
  return Done{};
}

Status Registry::SetDrain(std::string_view pool, std::string_view name, const Drain& drain,
                          bool begun) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  Decision& decision = DecisionFor(pool, name);
  if (begun) decision.admin = config::AdminState::kDraining;
  decision.drain = drain;
  Publish();
  return Done{};
}

Status Registry::DropDrain(std::string_view pool, std::string_view name) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  DecisionFor(pool, name).drain.reset();
  Publish();
  return Done{};
}

Status Registry::SetWeight(std::string_view pool, std::string_view name, std::uint32_t weight) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  DecisionFor(pool, name).weight = weight;
  Publish();
  return Done{};
}

Status Registry::SetMaxSessions(std::string_view pool, std::string_view name,
                                std::uint32_t max_sessions) {
  const auto wanted = Wanted(pool, name);
  if (!wanted) return wanted.error();
  DecisionFor(pool, name).max_sessions = max_sessions;
  Publish();
  return Done{};
}

Status Registry::Reset(std::string_view pool, std::string_view name) {
  const auto decision = std::find_if(decisions_.begin(), decisions_.end(), [&](const Decision& d) {
    return d.pool == pool && d.backend == name;
  });
  if (decision == decisions_.end()) {
    const auto wanted = Wanted(pool, name);
    if (!wanted) return wanted.error();
    return Done{};  // nothing was decided: it is as the configuration says already
  }
  decisions_.erase(decision);
  Publish();
  return Done{};
}

void Registry::Restore(std::vector<Decision> decisions) {
  decisions_ = std::move(decisions);
  Publish();
}

const Decision* Registry::FindDecision(std::string_view pool, std::string_view name) const {
  const auto found = std::find_if(decisions_.begin(), decisions_.end(), [&](const Decision& d) {
    return d.pool == pool && d.backend == name;
  });
  return found == decisions_.end() ? nullptr : &*found;
}

void Registry::SetHealth(std::string_view pool, std::string_view name, Health health) {
  const auto known = known_.find(Key(pool, name));
  if (known == known_.end() || known->second.health == health) return;
  known->second.health = health;
  Publish();
}

void Registry::SetEjected(std::string_view pool, std::string_view name, bool ejected) {
  const auto known = known_.find(Key(pool, name));
  if (known == known_.end() || known->second.ejected == ejected) return;
  known->second.ejected = ejected;
  Publish();
}

void Registry::SetReadySince(std::string_view pool, std::string_view name,
                             std::optional<TimePoint> since) {
  const auto known = known_.find(Key(pool, name));
  if (known == known_.end()) return;
  known->second.ready = true;
  known->second.ready_since = since;
  Publish();
}

void Registry::SetResolved(std::string_view pool, std::string_view name,
                           std::optional<SocketAddress> address) {
  const auto known = known_.find(Key(pool, name));
  if (known == known_.end() || known->second.resolved == address) return;
  known->second.resolved = address;
  Publish();
}

config::Config Registry::Effective(const config::Config& config) const {
  config::Config out = config;
  for (config::Pool& pool : out.pools) pool.backends = WantedBackends(pool);
  return out;
}

Result<config::Backend> Registry::Wanted(std::string_view pool, std::string_view name) const {
  const config::Pool* found = FindPool(pool);
  if (found == nullptr) {
    return Error{"no pool \"" + std::string(pool) + "\"; there are: " + Names(pools_)};
  }
  const auto backends = WantedBackends(*found);
  const auto backend = std::find_if(backends.begin(), backends.end(),
                                    [&](const config::Backend& b) { return b.name == name; });
  if (backend == backends.end()) {
    return Error{"no backend \"" + std::string(name) + "\" in pool " + std::string(pool) +
                 "; there are: " + Names(backends)};
  }
  return *backend;
}

Decision& Registry::DecisionFor(std::string_view pool, std::string_view name) {
  const auto found = std::find_if(decisions_.begin(), decisions_.end(), [&](const Decision& d) {
    return d.pool == pool && d.backend == name;
  });
  if (found != decisions_.end()) return *found;
  return decisions_.emplace_back(Decision{.pool = std::string(pool), .backend = std::string(name)});
}

std::vector<config::Backend> Registry::WantedBackends(const config::Pool& pool) const {
  std::vector<config::Backend> out;
  for (config::Backend backend : pool.backends) {
    const Decision* decision = FindDecision(pool.name, backend.name);
    if (decision != nullptr && decision->removed) continue;
    if (decision != nullptr) Apply(*decision, backend);
    out.push_back(std::move(backend));
  }
  for (const Decision& decision : decisions_) {
    if (decision.pool != pool.name || !decision.added) continue;
    const bool in_file = std::any_of(out.begin(), out.end(), [&](const config::Backend& b) {
      return b.name == decision.backend;
    });
    if (in_file) continue;  // the file has caught up with the operator
    config::Backend backend = *decision.added;
    Apply(decision, backend);
    out.push_back(std::move(backend));
  }
  return out;
}

const config::Pool* Registry::FindPool(std::string_view pool) const {
  const auto found = std::find_if(pools_.begin(), pools_.end(),
                                  [&](const config::Pool& p) { return p.name == pool; });
  return found == pools_.end() ? nullptr : &*found;
}

// That of a backend which is new to the snapshot: its old one while sessions still hold it.
std::shared_ptr<BackendLoad> Registry::LoadOf(const Key& key) {
  const auto left = left_.find(key);
  auto load = left == left_.end() ? nullptr : left->second.lock();
  return load != nullptr ? load : std::make_shared<BackendLoad>();
}

void Registry::Publish() {
  held_back_ = batches_ > 0;
  if (held_back_) return;
  std::erase_if(decisions_, IsEmpty);
  auto next = std::make_shared<Snapshot>();
  next->generation = snapshot_->generation + 1;
  std::map<Key, Known> known;
  for (const config::Pool& pool : pools_) {
    // Nobody comes back into a pool that has just been made.
    const bool is_new = snapshot_->Find(pool.name) == nullptr;
    PoolView& view = next->pools.emplace_back();
    view.name = pool.name;
    view.drain = pool.drain;
    for (const config::Backend& backend : WantedBackends(pool)) {
      const Key key(pool.name, backend.name);
      Known& entry = known[key];
      const auto before = known_.find(key);
      if (before != known_.end()) entry = before->second;
      if (!entry.load) entry.load = LoadOf(key);
      if (entry.address != backend.address) {
        // Another machine under the same name: what was known of the old one does not count.
        entry.address = backend.address;
        entry.resolved = backend.address.AsAddress();
        entry.health = Health::kUnknown;
        entry.ejected = false;
      }
      if (pool.probe.kind == config::ProbeKind::kNone) entry.health = Health::kUnknown;
      view.backends.push_back({.name = backend.name,
                               .address = backend.address,
                               .resolved = entry.resolved,
                               .weight = backend.weight,
                               .max_sessions = backend.max_sessions,
                               .admin = backend.admin,
                               .health = entry.health,
                               .ejected = entry.ejected,
                               .load = entry.load});
      const bool ready = view.backends.back().Ready();
      if (ready && !entry.ready && !is_new) entry.ready_since = Clock::now();
      entry.ready = ready;
      view.backends.back().ready_since = entry.ready_since;
    }
  }
  for (const auto& [key, entry] : known_) {
    if (!known.contains(key)) left_[key] = entry.load;
  }
  std::erase_if(left_, [&](const auto& entry) {
    return entry.second.expired() || known.contains(entry.first);
  });
  known_ = std::move(known);
  snapshot_ = std::move(next);
  on_change_(snapshot_);
}

}  // namespace sstplb::backend
