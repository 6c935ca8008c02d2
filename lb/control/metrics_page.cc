// SPDX-License-Identifier: Apache-2.0
#include "lb/control/metrics_page.h"

#include <algorithm>

#include "lb/config/words.h"
#include "lb/control/certificate_judge.h"
#include "metrics/exposition.h"

#ifndef SSTPLB_REVISION
#define SSTPLB_REVISION "unknown"
#endif

namespace sstplb::control {
namespace {

using metrics::Exposition;
using metrics::Metric;
using session::GateCounters;
using session::LaneCounters;
using PoolBackend = std::pair<std::string, std::string>;

template <std::size_t kCount>
void AddUp(std::array<std::uint64_t, kCount>& to, const std::array<std::uint64_t, kCount>& from) {
  for (std::size_t i = 0; i < kCount; ++i) to[i] += from[i];
}

void AddUp(session::LegCounters& to, const session::LegCounters& from) {
  to.rtt.Merge(from.rtt);
  to.retransmits += from.retransmits;
}

void AddUp(LaneCounters& to, const LaneCounters& from) {
  to.opened += from.opened;
  to.to_backend_bytes += from.to_backend_bytes;
  to.to_client_bytes += from.to_client_bytes;
  AddUp(to.closed, from.closed);
  AddUp(to.handshakes, from.handshakes);
  AddUp(to.connect_failures, from.connect_failures);
  AddUp(to.signals, from.signals);
  to.queue_wait.Merge(from.queue_wait);
  to.connect_duration.Merge(from.connect_duration);
  to.handshake_duration.Merge(from.handshake_duration);
  to.session_duration.Merge(from.session_duration);
  AddUp(to.client, from.client);
  AddUp(to.backend, from.backend);
}

void AddUp(GateCounters& to, const GateCounters& from) {
  AddUp(to.refused, from.refused);
  AddUp(to.hellos, from.hellos);
  to.hello_duration.Merge(from.hello_duration);
}

// Calls fn(word, count) for each count that is not zero, so that labels appear when they have a
// meaning.
template <class Enum, std::size_t kCount, class Fn>
void ForEachCount(const std::array<std::uint64_t, kCount>& counts, Fn fn) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] != 0) fn(ToString(static_cast<Enum>(i)), static_cast<double>(counts[i]));
  }
}

void AddLeg(std::string_view pool, std::string_view backend, std::string_view leg,
            const session::LegCounters& counters, Exposition& out) {
  out.Add<Metric::kTcpRtt>({pool, backend, leg}, counters.rtt);
  out.Add<Metric::kTcpRetransmits>({pool, backend, leg}, static_cast<double>(counters.retransmits));
}

void AddLanes(const std::vector<worker::Report>& reports, Exposition& out) {
  struct Way {
    std::uint32_t active = 0;
    std::uint64_t opened = 0;
  };
  std::map<session::LaneKey, Way> ways;
  std::map<PoolBackend, LaneCounters> backends;
  std::map<std::string, metrics::Histogram> durations;
  for (const worker::Report& report : reports) {
    for (const session::Lane& lane : report.lanes) {
      Way& way = ways[lane.key];
      way.active += lane.active;
      way.opened += lane.counters.opened;
      AddUp(backends[{lane.key.pool, lane.key.backend}], lane.counters);
      durations.try_emplace(lane.key.pool, metrics::kSessionBounds)
          .first->second.Merge(lane.counters.session_duration);
    }
  }
  for (const auto& [key, way] : ways) {
    out.Add<Metric::kSessionsActive>({key.listener, key.pool, key.backend}, way.active);
    out.Add<Metric::kSessionsOpened>({key.listener, key.pool, key.backend},
                                     static_cast<double>(way.opened));
  }
  for (const auto& [name, histogram] : durations) {
    out.Add<Metric::kSessionDuration>({name}, histogram);
  }
  for (const auto& [key, counters] : backends) {
    const std::string& pool = key.first;
    const std::string& backend = key.second;
    ForEachCount<session::CloseReason>(counters.closed, [&](std::string_view reason, double count) {
      out.Add<Metric::kSessionsClosed>({pool, backend, reason}, count);
    });
    out.Add<Metric::kSessionBytes>({pool, backend, "to_backend"},
                                   static_cast<double>(counters.to_backend_bytes));
    out.Add<Metric::kSessionBytes>({pool, backend, "to_client"},
                                   static_cast<double>(counters.to_client_bytes));
    out.Add<Metric::kBackendQueueWait>({pool, backend}, counters.queue_wait);
    out.Add<Metric::kBackendConnectDuration>({pool, backend}, counters.connect_duration);
    ForEachCount<session::ConnectFailure>(
        counters.connect_failures, [&](std::string_view reason, double count) {
          out.Add<Metric::kBackendConnectFailures>({pool, backend, reason}, count);
        });
    ForEachCount<session::Signal>(counters.signals, [&](std::string_view signal, double count) {
      out.Add<Metric::kBackendSignals>({pool, backend, signal}, count);
    });
    ForEachCount<session::TlsResult>(
        counters.handshakes, [&](std::string_view result, double count) {
          out.Add<Metric::kTlsHandshakes>({pool, backend, result}, count);
        });
    out.Add<Metric::kTlsHandshakeDuration>({pool, backend}, counters.handshake_duration);
    AddLeg(pool, backend, "client", counters.client, out);
    AddLeg(pool, backend, "backend", counters.backend, out);
  }
}

void AddLiveness(const std::vector<worker::Report>& reports, Exposition& out) {
  std::map<PoolBackend, std::array<std::uint64_t, session::kLivenessCount>> backends;
  std::map<std::string, metrics::Histogram> silence;
  for (const worker::Report& report : reports) {
    for (const worker::LaneLiveness& lane : report.liveness) {
      auto& counts = backends[{lane.pool, lane.backend}];
      for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += lane.sessions[i];
      silence.try_emplace(lane.pool, metrics::kSilenceBounds).first->second.Merge(lane.silence);
    }
  }
  for (const auto& [key, counts] : backends) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const auto word = ToString(static_cast<session::Liveness>(i));
      out.Add<Metric::kSessionsLiveness>({key.first, key.second, word},
                                         static_cast<double>(counts[i]));
    }
  }
  for (const auto& [pool, histogram] : silence) out.Add<Metric::kSessionSilence>({pool}, histogram);
}

void AddGates(const std::vector<worker::Report>& reports, Exposition& out) {
  std::map<std::string, GateCounters> gates;
  for (const worker::Report& report : reports) {
    for (const session::Gate& gate : report.gates) AddUp(gates[gate.listener], gate.counters);
  }
  for (const auto& [name, counters] : gates) {
    const std::string& listener = name;
    ForEachCount<session::CloseReason>(
        counters.refused, [&](std::string_view reason, double count) {
          out.Add<Metric::kSessionsRefused>({listener, reason}, count);
        });
    ForEachCount<session::HelloKind>(counters.hellos, [&](std::string_view kind, double count) {
      out.Add<Metric::kHellos>({listener, kind}, count);
    });
    out.Add<Metric::kHelloDuration>({listener}, counters.hello_duration);
  }
}

void AddCertificate(const BackendStatus& backend, Exposition& out) {
  if (!backend.certificate) return;
  const CertificateStatus& shown = *backend.certificate;
  const std::string& pool = backend.pool;
  out.Add<Metric::kBackendCertificateExpiry>(
      {pool, backend.name},
      std::chrono::duration<double>(shown.not_after.time_since_epoch()).count());
  for (const CertificateFinding finding : kCertificateFindings) {
    const bool found = std::ranges::any_of(
        shown.findings, [&](const auto& entry) { return entry.first == ToString(finding); });
    out.Add<Metric::kBackendCertificateTrouble>({pool, backend.name, ToString(finding)},
                                                found ? 1 : 0);
  }
  out.Add<Metric::kBackendCertificateVerified>({pool, backend.name}, shown.verified ? 1 : 0);
  out.Add<Metric::kBackendCertificateChanges>({pool, backend.name},
                                              static_cast<double>(shown.changes));
}

void AddBackend(const BackendStatus& backend, Exposition& out) {
  using config::AdminState;
  // Nobody asks any more how a removed one is: it must not look like one that is down.
  if (!backend.removed) {
    out.Add<Metric::kBackendUp>({backend.pool, backend.name},
                                backend.health == backend::Health::kUp ? 1 : 0);
    out.Add<Metric::kBackendWeight>({backend.pool, backend.name}, backend.weight);
  }
  for (const AdminState state :
       {AdminState::kActive, AdminState::kDraining, AdminState::kDisabled}) {
    out.Add<Metric::kBackendAdminState>({backend.pool, backend.name, config::ToWord(state)},
                                        backend.admin == state ? 1 : 0);
  }
  out.Add<Metric::kBackendPending>({backend.pool, backend.name}, backend.sessions_pending);
  out.Add<Metric::kBackendQueue>({backend.pool, backend.name}, backend.sessions_queued);
  out.Add<Metric::kBackendEjected>({backend.pool, backend.name}, backend.ejection ? 1 : 0);
  out.Add<Metric::kBackendSources>({backend.pool, backend.name}, backend.sensed.sources);
  out.Add<Metric::kBackendFailingSources>({backend.pool, backend.name}, backend.sensed.failures);
  AddCertificate(backend, out);
  if (backend.drain) {
    out.Add<Metric::kDrainRemainingSessions>({backend.pool, backend.name},
                                             backend.drain->remaining);
    if (backend.drain->deadline) {
      const auto deadline = backend.drain->deadline->time_since_epoch();
      out.Add<Metric::kDrainDeadline>({backend.pool, backend.name},
                                      std::chrono::duration<double>(deadline).count());
    }
  }
}

void AddProbes(const std::map<ProbeBook::Key, ProbePage>& probes, Exposition& out) {
  for (const auto& [key, page] : probes) {
    const std::string& pool = key.first;
    const std::string& backend = key.second;
    ForEachCount<probes::Outcome>(page.outcomes, [&](std::string_view outcome, double count) {
      out.Add<Metric::kProbes>({pool, backend, outcome}, count);
    });
    out.Add<Metric::kProbesPostponed>({pool, backend}, static_cast<double>(page.postponed));
    for (const auto& [step, histogram] : page.steps) {
      out.Add<Metric::kProbeDuration>({pool, backend, probes::ToString(step)}, histogram);
    }
  }
}

}  // namespace

std::string MetricsPage(const DaemonStatus& status, const std::vector<worker::Report>& reports,
                        const std::map<ProbeBook::Key, ProbePage>& probes,
                        const EjectionCounts& ejections) {
  Exposition out;
  out.Add<Metric::kBuildInfo>({status.version, SSTPLB_REVISION}, 1);
  AddLanes(reports, out);
  AddLiveness(reports, out);
  AddGates(reports, out);
  for (const PoolStatus& pool : status.pools) {
    for (const BackendStatus& backend : pool.backends) AddBackend(backend, out);
    if (pool.removed) continue;
    out.Add<Metric::kBackendCertificateMismatch>({pool.name}, pool.certificate_mismatch ? 1 : 0);
    out.Add<Metric::kRebalanceActive>({pool.name}, pool.rebalance.active ? 1 : 0);
    out.Add<Metric::kRebalanceMoved>({pool.name}, static_cast<double>(pool.rebalance.moved));
    if (pool.balance == config::Balance::kSourceIp) {
      out.Add<Metric::kAffinityEntries>({pool.name}, pool.affinity_entries);
    }
  }
  for (const auto& [key, count] : ejections) {
    const auto& [pool, backend, signal] = key;
    out.Add<Metric::kBackendEjections>({pool, backend, ToString(signal)},
                                       static_cast<double>(count));
  }
  AddProbes(probes, out);
  for (const worker::Report& report : reports) {
    out.Add<Metric::kWorkerLoopLag>({std::to_string(report.worker)}, report.loop_lag);
  }
  const HandoffTotals& handoffs = status.handoffs;
  out.Add<Metric::kHandoffs>({"taken_over"}, static_cast<double>(handoffs.taken));
  out.Add<Metric::kHandoffs>({"failed"}, static_cast<double>(handoffs.failed));
  out.Add<Metric::kHandoffSessions>(static_cast<double>(handoffs.sessions));
  out.Add<Metric::kHandoffPause>(handoffs.pauses);
  out.Add<Metric::kOpenFiles>(status.open_files);
  out.Add<Metric::kOpenFilesLimit>(status.open_files_limit);
  return out.Text();
}

}  // namespace sstplb::control
