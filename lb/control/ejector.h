// Ejector: which backends get no new sessions for a while, by what sessions have shown of them.
//
// Pure: signals and time in, changes out. A source (an IPv4 address or an IPv6 /64) counts once per
// backend, by its latest signal within the window, and a network (/24, /48) by its latest two
// sources, so that no client can have a backend ejected by itself. A backend is ejected when it
// fails for many sources, for a large share of those that came, and for a far larger share than the
// rest of its pool; what fails everywhere is not the backend's fault, neither of all sources nor of
// one: a source that fails at two backends and comes through nowhere counts nowhere.
// docs/sensing.md says it for operators; tests/control/ejector_test.cc holds it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lb/base/time.h"
#include "lb/config/config.h"
#include "lb/session/signal.h"

namespace sstplb::control {

// Sources, within the window.
struct EjectionEvidence {
  session::Signal signal = session::Signal::kOk;  // the most frequent failure
  std::uint32_t failures = 0;
  std::uint32_t sources = 0;         // failures included
  std::uint32_t other_failures = 0;  // of the other backends that were in use
  std::uint32_t other_sources = 0;
};

// How often each backend was ejected for what.
using EjectionCounts = std::map<std::tuple<std::string, std::string, session::Signal>,
                                std::uint64_t>;  // by pool, backend, signal

struct Ejection {
  TimePoint since;
  TimePoint until;
  std::uint32_t times = 1;  // in a row, this one included
  EjectionEvidence evidence;
};

// Belongs to one thread. `now` must never go back.
class Ejector {
 public:
  // Sources remembered for each backend; when there are more, the one that was silent for longest
  // makes way.
  static constexpr std::size_t kMaxSources = 1024;
  // The rest of the pool must fail for so many times fewer.
  static constexpr double kTimesWorse = 3;

  using Key = std::pair<std::string, std::string>;  // pool, backend

  // A backend of a pool, and whether it would get new sessions but for an ejection.
  struct Member {
    std::string name;
    bool usable = true;
  };
  enum class Cause : std::uint8_t { kFailures, kTimeUp, kNeeded, kSwitchedOff };
  struct Change {
    std::string backend;
    bool ejected = false;
    Cause cause = Cause::kFailures;
    Ejection ejection;  // that begins or ends
  };

  void Note(const Key& key, const session::Sighting& sighting, TimePoint now);

  // What changes now in one pool: whose time is up, who is needed because nobody else is usable,
  // who is ejected. The share that may be out, those that are not usable anyway included, is
  // rounded down, and the last usable one is never ejected.
  std::vector<Change> Judge(const std::string& pool, const config::EjectionRules& rules,
                            const std::vector<Member>& members, TimePoint now);

  // The operator's word: the ejection ends and nothing seen so far counts any more. False when it
  // was not ejected.
  bool Pardon(const Key& key);
  // The backend is gone, or is another machine now.
  void Forget(const Key& key) { backends_.erase(key); }

  // What another process has to know to go on.
  struct Memory {
    std::uint32_t times = 0;  // ejections in a row
    TimePoint back;           // from the last of them
    std::optional<Ejection> ejection;
  };
  Memory Export(const Key& key) const;
  void Restore(const Key& key, const Memory& memory);

  // What the window held when Judge() looked last. The signal is kOk where nothing failed.
  EjectionEvidence Shown(const Key& key) const;

  // Null when it is not ejected.
  const Ejection* Find(const Key& key) const;

 private:
  using Sources = std::unordered_set<std::uint64_t>;
  struct Seen {
    session::Sighting sighting;
    TimePoint at;
  };
  struct Tally {
    std::uint32_t failures = 0;
    std::uint32_t sources = 0;
    session::Signal signal = session::Signal::kOk;  // the most frequent failure

    void operator+=(const Tally& other);
    // Beside `others`.
    EjectionEvidence Evidence(const Tally& others) const;
    double rate() const { return sources == 0 ? 0 : double{1} * failures / sources; }
  };
  struct Backend {
    std::list<Seen> seen;  // the latest last
    // At most session::kSourcesOfNetwork each, in the same order.
    std::unordered_map<std::uint64_t, std::vector<std::list<Seen>::iterator>> by_network;
    std::optional<Ejection> ejection;
    std::uint32_t times = 0;  // ejections in a row
    TimePoint back;           // since when it is not ejected any more
    EjectionEvidence shown;

    void Add(const session::Sighting& sighting, TimePoint now);
    void DropOldest();
    void Clear();
    Tally Count(const Sources& hopeless) const;
  };
  struct Candidate;

  Sources Hopeless(const std::string& pool, const std::vector<Member>& members);
  void Expire(Backend& backend, const config::EjectionRules& rules, TimePoint now) const;
  Change Readmit(Backend& backend, const std::string& name, Cause cause, TimePoint now);

  std::map<Key, Backend> backends_;
};

}  // namespace sstplb::control
