// SPDX-License-Identifier: Apache-2.0
#include "lb/control/ejector.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sstplb::control {

using config::EjectionRules;
using session::Signal;

// A backend that may be ejected, and what speaks for it.
struct Ejector::Candidate {
  const std::string* name = nullptr;
  Backend* backend = nullptr;
  Tally tally;
};

namespace {

constexpr std::uint32_t kMostDoublings = 20;

Duration TimeFor(const EjectionRules& rules, std::uint32_t times) {
  const auto doublings = std::min(times - 1, kMostDoublings);
  return std::min(rules.base_time * (1 << doublings), rules.max_time);
}

}  // namespace

void Ejector::Tally::operator+=(const Tally& other) {
  failures += other.failures;
  sources += other.sources;
}

EjectionEvidence Ejector::Tally::Evidence(const Tally& others) const {
  return {.signal = signal,
          .failures = failures,
          .sources = sources,
          .other_failures = others.failures,
          .other_sources = others.sources};
}

void Ejector::Backend::Clear() {
  seen.clear();
  by_network.clear();
}

void Ejector::Backend::DropOldest() {
  const auto of_network = by_network.find(seen.front().sighting.network);
  of_network->second.erase(of_network->second.begin());
  if (of_network->second.empty()) by_network.erase(of_network);
  seen.pop_front();
}

void Ejector::Backend::Add(const session::Sighting& sighting, TimePoint now) {
  const auto is_same = [&](const auto& entry) { return entry->sighting.source == sighting.source; };
  const auto known = by_network.find(sighting.network);
  if (known == by_network.end()) {
    if (seen.size() == kMaxSources) DropOldest();
  } else {
    auto& sources = known->second;
    auto old = std::ranges::find_if(sources, is_same);
    if (old == sources.end() && sources.size() == session::kSourcesOfNetwork) old = sources.begin();
    if (old != sources.end()) {
      seen.erase(*old);
      sources.erase(old);
    } else if (seen.size() == kMaxSources) {
      DropOldest();
    }
  }
  seen.push_back({sighting, now});
  by_network[sighting.network].push_back(std::prev(seen.end()));
}

Ejector::Tally Ejector::Backend::Count(const Sources& hopeless) const {
  Tally tally;
  std::array<std::uint32_t, session::kSignalCount> each{};
  for (const Seen& one : seen) {
    const Signal signal = one.sighting.signal;
    if (hopeless.contains(one.sighting.source)) continue;
    ++tally.sources;
    if (!Info(signal).failure) continue;
    ++tally.failures;
    ++each[static_cast<std::size_t>(signal)];
  }
  const auto most = std::max_element(each.begin(), each.end());
  if (*most > 0) tally.signal = static_cast<Signal>(most - each.begin());
  return tally;
}

void Ejector::Note(const Key& key, const session::Sighting& sighting, TimePoint now) {
  Backend& backend = backends_[key];
  if (backend.ejection) return;  // sessions that began before
  backend.Add(sighting, now);
}

// The sources that fail wherever they come, at two backends at the least: a wrong password.
Ejector::Sources Ejector::Hopeless(const std::string& pool, const std::vector<Member>& members) {
  Sources failed;
  Sources hopeless;
  const auto each = [&](bool failures, const auto& look) {
    for (const Member& member : members) {
      for (const Seen& one : backends_[{pool, member.name}].seen) {
        if (Info(one.sighting.signal).failure == failures) look(one.sighting.source);
      }
    }
  };
  each(true, [&](std::uint64_t source) {
    if (!failed.insert(source).second) hopeless.insert(source);
  });
  // Those that came through are many, and nearly never looked for.
  if (!hopeless.empty()) each(false, [&](std::uint64_t source) { hopeless.erase(source); });
  return hopeless;
}

void Ejector::Expire(Backend& backend, const EjectionRules& rules, TimePoint now) const {
  while (!backend.seen.empty() && now - backend.seen.front().at > rules.window) {
    backend.DropOldest();
  }
  // Who has behaved for as long as the longest ejection begins anew.
  if (!backend.ejection && now - backend.back > rules.max_time) backend.times = 0;
}

Ejector::Change Ejector::Readmit(Backend& backend, const std::string& name, Cause cause,
                                 TimePoint now) {
  Change change{.backend = name, .ejected = false, .cause = cause, .ejection = *backend.ejection};
  backend.ejection.reset();
  backend.back = now;
  backend.Clear();
  return change;
}

std::vector<Ejector::Change> Ejector::Judge(const std::string& pool, const EjectionRules& rules,
                                            const std::vector<Member>& members, TimePoint now) {
  std::vector<Change> changes;
  std::vector<Candidate> in_use;
  std::size_t out = 0;  // ejected, or not usable anyway
  for (const Member& member : members) Expire(backends_[{pool, member.name}], rules, now);
  const Sources hopeless = Hopeless(pool, members);
  for (const Member& member : members) {
    Backend& backend = backends_[{pool, member.name}];
    if (backend.ejection && !rules.enabled) {
      changes.push_back(Readmit(backend, member.name, Cause::kSwitchedOff, now));
    } else if (backend.ejection && now >= backend.ejection->until) {
      changes.push_back(Readmit(backend, member.name, Cause::kTimeUp, now));
    }
    const Tally tally = backend.Count(hopeless);
    backend.shown = tally.Evidence({});
    if (backend.ejection || !member.usable) {
      ++out;
    } else {
      in_use.push_back({&member.name, &backend, tally});
    }
  }
  for (const Member& member : members) {
    Backend& backend = backends_[{pool, member.name}];
    Tally others;
    for (const Candidate& other : in_use) {
      if (other.backend != &backend) others += other.tally;
    }
    backend.shown.other_failures = others.failures;
    backend.shown.other_sources = others.sources;
  }
  if (in_use.empty()) {
    // A doubtful backend is better than none.
    for (const Member& member : members) {
      Backend& backend = backends_[{pool, member.name}];
      if (!backend.ejection || !member.usable) continue;
      changes.push_back(Readmit(backend, member.name, Cause::kNeeded, now));
    }
    return changes;
  }
  if (!rules.enabled) return changes;

  const auto most = static_cast<std::size_t>(
      std::floor(rules.max_share * static_cast<double>(members.size()) + 1e-9));
  while (out < most && in_use.size() > 1) {
    // The worst first; then the rest is looked at without it.
    const auto found = std::ranges::max_element(in_use, {}, [&rules](const Candidate& c) {
      return c.tally.failures < rules.min_failures ? -1.0 : c.tally.rate();
    });
    const Candidate worst = *found;
    in_use.erase(found);
    Tally others;
    for (const Candidate& other : in_use) others += other.tally;
    const Tally& own = worst.tally;
    if (own.failures < rules.min_failures || own.rate() < rules.min_rate) break;
    // With nothing to compare it with it does not stand out.
    if (others.sources == 0 || others.rate() * kTimesWorse >= own.rate()) break;
    Backend& backend = *worst.backend;
    ++backend.times;
    backend.ejection = Ejection{.since = now,
                                .until = now + TimeFor(rules, backend.times),
                                .times = backend.times,
                                .evidence = own.Evidence(others)};
    backend.Clear();
    changes.push_back({*worst.name, true, Cause::kFailures, *backend.ejection});
    ++out;
  }
  return changes;
}

bool Ejector::Pardon(const Key& key) {
  const auto found = backends_.find(key);
  if (found == backends_.end()) return false;
  const bool was = found->second.ejection.has_value();
  backends_.erase(found);
  return was;
}

Ejector::Memory Ejector::Export(const Key& key) const {
  const auto found = backends_.find(key);
  if (found == backends_.end()) return {};
  const Backend& backend = found->second;
  return {.times = backend.times, .back = backend.back, .ejection = backend.ejection};
}

void Ejector::Restore(const Key& key, const Memory& memory) {
  Backend& backend = backends_[key];
  backend.times = memory.times;
  backend.back = memory.back;
  backend.ejection = memory.ejection;
}

EjectionEvidence Ejector::Shown(const Key& key) const {
  const auto found = backends_.find(key);
  return found == backends_.end() ? EjectionEvidence{} : found->second.shown;
}

const Ejection* Ejector::Find(const Key& key) const {
  const auto found = backends_.find(key);
  if (found == backends_.end() || !found->second.ejection) return nullptr;
  return &*found->second.ejection;
}

}  // namespace sstplb::control
