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

void Ejector::Backend::Clear() {
  seen.clear();
  by_source.clear();
}

Ejector::Tally Ejector::Backend::Count() const {
  Tally tally;
  std::array<std::uint32_t, session::kSignalCount> each{};
  for (const Seen& one : seen) {
    ++tally.sources;
    if (!Info(one.signal).failure) continue;
    ++tally.failures;
    ++each[static_cast<std::size_t>(one.signal)];
  }
  const auto most = std::max_element(each.begin(), each.end());
  if (*most > 0) tally.signal = static_cast<Signal>(most - each.begin());
  return tally;
}

void Ejector::Note(const Key& key, const session::Sighting& sighting, TimePoint now) {
  Backend& backend = backends_[key];
  if (backend.ejection) return;  // sessions that began before
  const auto known = backend.by_source.find(sighting.source);
  if (known != backend.by_source.end()) {
    backend.seen.splice(backend.seen.end(), backend.seen, known->second);
  } else {
    if (backend.seen.size() == kMaxSources) {
      backend.by_source.erase(backend.seen.front().source);
      backend.seen.pop_front();
    }
    backend.seen.emplace_back();
    backend.by_source[sighting.source] = std::prev(backend.seen.end());
  }
  backend.seen.back() = {sighting.source, sighting.signal, now};
}

void Ejector::Expire(Backend& backend, const EjectionRules& rules, TimePoint now) const {
  while (!backend.seen.empty() && now - backend.seen.front().at > rules.window) {
    backend.by_source.erase(backend.seen.front().source);
    backend.seen.pop_front();
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
  for (const Member& member : members) {
    Backend& backend = backends_[{pool, member.name}];
    Expire(backend, rules, now);
    if (backend.ejection && !rules.enabled) {
      changes.push_back(Readmit(backend, member.name, Cause::kSwitchedOff, now));
    } else if (backend.ejection && now >= backend.ejection->until) {
      changes.push_back(Readmit(backend, member.name, Cause::kTimeUp, now));
    }
    if (backend.ejection || !member.usable) {
      ++out;
    } else {
      in_use.push_back({&member.name, &backend, backend.Count()});
    }
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
    for (const Candidate& other : in_use) {
      others.failures += other.tally.failures;
      others.sources += other.tally.sources;
    }
    const Tally& own = worst.tally;
    if (own.failures < rules.min_failures || own.rate() < rules.min_rate) break;
    // With nothing to compare it with it does not stand out.
    if (others.sources == 0 || others.rate() * kTimesWorse >= own.rate()) break;
    Backend& backend = *worst.backend;
    ++backend.times;
    backend.ejection = Ejection{.since = now,
                                .until = now + TimeFor(rules, backend.times),
                                .times = backend.times,
                                .evidence = {.signal = own.signal,
                                             .failures = own.failures,
                                             .sources = own.sources,
                                             .other_failures = others.failures,
                                             .other_sources = others.sources}};
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

const Ejection* Ejector::Find(const Key& key) const {
  const auto found = backends_.find(key);
  if (found == backends_.end() || !found->second.ejection) return nullptr;
  return &*found->second.ejection;
}

}  // namespace sstplb::control
