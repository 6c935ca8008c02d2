// What sessions show of backends: collected from the workers, judged, and acted on.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/controller.h"

namespace sstplb::control {
namespace {

// How often signals are taken and judged.
constexpr Duration kSense = std::chrono::seconds(1);

std::string Share(std::uint32_t part, std::uint32_t whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

session::Signal SignalOf(std::string_view word) {
  for (std::size_t i = 0; i < session::kSignalCount; ++i) {
    if (session::kSignals[i].word == word) return static_cast<session::Signal>(i);
  }
  return session::Signal::kDiedEarly;  // one that this version does not have
}

std::string_view WhyBack(Ejector::Cause cause) {
  switch (cause) {
    case Ejector::Cause::kNeeded:
      return "needed";  // nobody else is usable
    case Ejector::Cause::kSwitchedOff:
      return "switched_off";
    case Ejector::Cause::kTimeUp:
    case Ejector::Cause::kFailures:
      break;
  }
  return "time_up";
}

}  // namespace

void Controller::Sense(TimePoint now) {
  if (now - sensed_ < kSense) return;
  sensed_ = now;
  TakeSightings();
  JudgeEjections(now);
}

// What is taken now is judged the next time. A worker that has nothing to tell is not woken.
void Controller::TakeSightings() {
  for (const auto& worker : workers_) {
    if (!worker->has_sightings()) continue;
    worker->Post([this](worker::Worker& w) {
      loop_.Post([this, sightings = w.TakeSightings()] { OnSightings(sightings); });
    });
  }
}

void Controller::OnSightings(const std::vector<session::BackendSightings>& sightings) {
  const TimePoint now = Clock::now();
  for (const session::BackendSightings& of : sightings) {
    const Ejector::Key key(of.pool, of.backend);
    if (!targets_.contains(key)) continue;  // removed meanwhile
    for (const session::Sighting& sighting : of.sightings) ejector_.Note(key, sighting, now);
  }
}

void Controller::JudgeEjections(TimePoint now) {
  // A change makes a new snapshot.
  const auto snapshot = registry_.snapshot();
  for (const backend::PoolView& pool : snapshot->pools) {
    const config::Pool* configured = config_.FindPool(pool.name);
    if (configured == nullptr) continue;
    std::vector<Ejector::Member> members;
    for (const backend::BackendView& backend : pool.backends) {
      members.push_back({backend.name, backend.CanTake()});
    }
    const auto changes = ejector_.Judge(pool.name, configured->ejection, members, now);
    if (changes.empty()) continue;
    const backend::Registry::Batch batch(registry_);
    for (const Ejector::Change& change : changes) {
      registry_.SetEjected(pool.name, change.backend, change.ejected);
      LogEjection(pool.name, change);
    }
  }
}

void Controller::LogEjection(const std::string& pool, const Ejector::Change& change) {
  const std::string what = "backend " + pool + "/" + change.backend;
  const Ejection& ejection = change.ejection;
  if (!change.ejected) {
    log_.Event(LogLevel::kInfo, what,
               {{"went", "readmitted"},
                {"cause", WhyBack(change.cause)},
                {"after", FormatDuration(Clock::now() - ejection.since)}});
    return;
  }
  const EjectionEvidence& evidence = ejection.evidence;
  ++ejections_[{pool, change.backend, evidence.signal}];
  log_.Event(LogLevel::kWarning, what,
             {{"went", "ejected"},
              {"signal", ToString(evidence.signal)},
              {"failures", Share(evidence.failures, evidence.sources)},
              {"others", Share(evidence.other_failures, evidence.other_sources)},
              {"times", ejection.times},
              {"for", FormatDuration(ejection.until - ejection.since)}});
}

// The operator has spoken for a backend.
void Controller::Pardon(std::string_view pool, std::string_view name) {
  const Ejector::Key key(pool, name);
  if (!ejector_.Pardon(key)) return;
  registry_.SetEjected(pool, name, false);
  log_.Event(LogLevel::kInfo, "backend " + key.first + "/" + key.second,
             {{"went", "readmitted"}, {"cause", "operator"}});
}

void Controller::ExportSensed(handoff::BackendState& out) const {
  const Ejector::Memory memory = ejector_.Export({out.pool, out.backend});
  out.ejections = memory.times;
  out.readmitted = memory.back;
  if (!memory.ejection) return;
  const EjectionEvidence& evidence = memory.ejection->evidence;
  out.ejected = handoff::Ejection{.since = memory.ejection->since,
                                  .until = memory.ejection->until,
                                  .signal = std::string(ToString(evidence.signal)),
                                  .failures = evidence.failures,
                                  .sources = evidence.sources,
                                  .other_failures = evidence.other_failures,
                                  .other_sources = evidence.other_sources};
}

void Controller::RestoreSensed(const handoff::BackendState& backend) {
  registry_.SetReadySince(backend.pool, backend.backend, backend.ready_since);
  Ejector::Memory memory{.times = backend.ejections, .back = backend.readmitted, .ejection = {}};
  if (const auto& ejected = backend.ejected) {
    memory.ejection = Ejection{.since = ejected->since,
                               .until = ejected->until,
                               .times = backend.ejections,
                               .evidence = {.signal = SignalOf(ejected->signal),
                                            .failures = ejected->failures,
                                            .sources = ejected->sources,
                                            .other_failures = ejected->other_failures,
                                            .other_sources = ejected->other_sources}};
    registry_.SetEjected(backend.pool, backend.backend, true);
  }
  ejector_.Restore({backend.pool, backend.backend}, memory);
}

SensedStatus Controller::SensedOf(const std::string& pool, const std::string& name) const {
  const EjectionEvidence shown = ejector_.Shown({pool, name});
  return {.failures = shown.failures,
          .sources = shown.sources,
          .other_failures = shown.other_failures,
          .other_sources = shown.other_sources};
}

std::optional<EjectionStatus> Controller::EjectionOf(const std::string& pool,
                                                     const std::string& name) const {
  const Ejection* ejection = ejector_.Find({pool, name});
  if (ejection == nullptr) return std::nullopt;
  const auto wall = [now = Clock::now(), today = WallClock::now()](TimePoint time) {
    return today + std::chrono::duration_cast<WallClock::duration>(time - now);
  };
  const EjectionEvidence& evidence = ejection->evidence;
  return EjectionStatus{.signal = std::string(ToString(evidence.signal)),
                        .since = wall(ejection->since),
                        .until = wall(ejection->until),
                        .times = ejection->times,
                        .failures = evidence.failures,
                        .sources = evidence.sources,
                        .other_failures = evidence.other_failures,
                        .other_sources = evidence.other_sources};
}

}  // namespace sstplb::control
