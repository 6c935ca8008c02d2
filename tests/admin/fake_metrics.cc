// SPDX-License-Identifier: Apache-2.0
#include "tests/admin/fake_metrics.h"

#include "metrics/exposition.h"

namespace sstplb::testing {

std::string EveryMetric() {
  using metrics::Metric;
  metrics::Histogram handshakes(metrics::kHandshakeBounds);
  metrics::Histogram durations(metrics::kSessionBounds);
  metrics::Histogram round_trips(metrics::kRttBounds);
  metrics::Histogram lag(metrics::kLoopLagBounds);
  metrics::Histogram pauses(metrics::kPauseBounds);
  metrics::Histogram silence(metrics::kSilenceBounds);
  silence.Observe(31);
  handshakes.Observe(0.041);
  durations.Observe(std::chrono::hours(3));
  round_trips.Observe(0.023);
  lag.Observe(0.0002);
  pauses.Observe(0.004);
  metrics::Exposition e;
  e.Add<Metric::kBuildInfo>({"0.1.0", "abc1234"}, 1);
  e.Add<Metric::kSessionsActive>({"vpn", "main", "vpn1"}, 2);
  e.Add<Metric::kSessionsOpened>({"vpn", "main", "vpn1"}, 1234);
  e.Add<Metric::kSessionsClosed>({"main", "vpn1", "client_eof"}, 1232);
  e.Add<Metric::kSessionsRefused>({"vpn", "unknown_sni"}, 7);
  e.Add<Metric::kSessionBytes>({"main", "vpn1", "to_client"}, 992331121);
  e.Add<Metric::kSessionsLiveness>({"main", "vpn1", "established"}, 2);
  e.Add<Metric::kSessionSilence>({"main"}, silence);
  e.Add<Metric::kSessionDuration>({"main"}, durations);
  e.Add<Metric::kHelloDuration>({"vpn"}, handshakes);
  e.Add<Metric::kHellos>({"vpn", "sni"}, 1200);
  e.Add<Metric::kBackendConnectDuration>({"main", "vpn1"}, handshakes);
  e.Add<Metric::kBackendConnectFailures>({"main", "vpn2", "refused"}, 3);
  e.Add<Metric::kTlsHandshakes>({"main", "vpn1", "done"}, 1100);
  e.Add<Metric::kTlsHandshakeDuration>({"main", "vpn1"}, handshakes);
  e.Add<Metric::kBackendUp>({"main", "vpn1"}, 1);
  e.Add<Metric::kBackendAdminState>({"main", "vpn1", "active"}, 1);
  e.Add<Metric::kBackendWeight>({"main", "vpn1"}, 100);
  e.Add<Metric::kBackendPending>({"main", "vpn1"}, 1);
  e.Add<Metric::kBackendQueue>({"main", "vpn1"}, 0);
  e.Add<Metric::kBackendQueueWait>({"main", "vpn1"}, handshakes);
  e.Add<Metric::kBackendSignals>({"main", "vpn1", "ok"}, 1100);
  e.Add<Metric::kBackendSources>({"main", "vpn1"}, 40);
  e.Add<Metric::kBackendFailingSources>({"main", "vpn1"}, 2);
  e.Add<Metric::kBackendEjected>({"main", "vpn1"}, 0);
  e.Add<Metric::kBackendEjections>({"main", "vpn2", "closed_at_once"}, 1);
  e.Add<Metric::kProbes>({"main", "vpn1", "ok"}, 900);
  e.Add<Metric::kProbesPostponed>({"main", "vpn1"}, 3);
  e.Add<Metric::kProbeDuration>({"main", "vpn1", "tls"}, handshakes);
  e.Add<Metric::kBackendCertificateExpiry>({"main", "vpn1"}, 1.8e9);
  e.Add<Metric::kBackendCertificateMismatch>({"main"}, 0);
  e.Add<Metric::kBackendCertificateTrouble>({"main", "vpn1", "expires"}, 0);
  e.Add<Metric::kBackendCertificateVerified>({"main", "vpn1"}, 1);
  e.Add<Metric::kBackendCertificateChanges>({"main", "vpn1"}, 0);
  e.Add<Metric::kDrainRemainingSessions>({"main", "vpn3"}, 2);
  e.Add<Metric::kDrainDeadline>({"main", "vpn3"}, 1795325694);
  e.Add<Metric::kRebalanceActive>({"main"}, 1);
  e.Add<Metric::kRebalanceMoved>({"main"}, 12);
  e.Add<Metric::kTcpRtt>({"main", "vpn1", "client"}, round_trips);
  e.Add<Metric::kTcpRetransmits>({"main", "vpn1", "client"}, 12);
  e.Add<Metric::kAffinityEntries>({"lab"}, 17);
  e.Add<Metric::kWorkerLoopLag>({"0"}, lag);
  e.Add<Metric::kHandoffs>({"taken_over"}, 2);
  e.Add<Metric::kHandoffSessions>(2403);
  e.Add<Metric::kHandoffPause>(pauses);
  e.Add<Metric::kOpenFiles>(57);
  e.Add<Metric::kOpenFilesLimit>(65536);
  return e.Text();
}

}  // namespace sstplb::testing
