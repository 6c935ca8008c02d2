// SPDX-License-Identifier: Apache-2.0
#include "lb/control/departures.h"

namespace sstplb::control {

backend::Drain DrainByStyle(const config::DrainStyle& style, WallTime now) {
  backend::Drain drain{.since = now, .begins = now, .idle_first = style.idle_first};
  if (style.within) drain.deadline = now + std::chrono::floor<WallClock::duration>(*style.within);
  if (style.pace) drain.pace = style.pace->per_second;
  return drain;
}

std::vector<Departures::Key> Departures::Update(const backend::Snapshot& before,
                                                const backend::Snapshot& after, WallTime now) {
  std::erase_if(all_, [&](const auto& entry) {
    const backend::PoolView* pool = after.Find(entry.first.first);
    return pool != nullptr && pool->Find(entry.first.second) != nullptr;
  });
  std::vector<Key> taken;
  for (const backend::PoolView& pool : before.pools) {
    const backend::PoolView* next = after.Find(pool.name);
    const config::DrainStyle& style = next == nullptr ? pool.drain : next->drain;
    for (const backend::BackendView& backend : pool.backends) {
      if (next != nullptr && next->Find(backend.name) != nullptr) continue;
      all_[{pool.name, backend.name}] = {backend, DrainByStyle(style, now)};
      taken.emplace_back(pool.name, backend.name);
    }
  }
  return taken;
}

bool Departures::SetDrain(std::string_view pool, std::string_view name,
                          const backend::Drain& drain) {
  const auto found = all_.find(Key(pool, name));
  if (found == all_.end()) return false;
  found->second.drain = drain;
  return true;
}

std::vector<Departures::Key> Departures::Sweep() {
  std::vector<Key> gone;
  std::erase_if(all_, [&](const auto& entry) {
    const backend::BackendLoad& load = *entry.second.view.load;
    // Sessions hold the load, and so does every plan in which the backend still is: once nobody
    // else does, nobody can begin to.
    if (entry.second.view.load.use_count() > 1 || entry.second.sessions() > 0) return false;
    if (load.opened.load(std::memory_order_relaxed) > 0) gone.push_back(entry.first);
    return true;
  });
  return gone;
}

const Departures::Departed* Departures::Find(std::string_view pool, std::string_view name) const {
  const auto found = all_.find(Key(pool, name));
  return found == all_.end() ? nullptr : &found->second;
}

}  // namespace sstplb::control
