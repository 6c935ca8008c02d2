// Api: everything that can be asked of a running balancer, as calls with plain values.
//
// The admin room speaks HTTP and JSON and calls this; nothing here knows of either. Every call may
// be made from any thread, blocks until the control loop and the workers have answered, and gives
// up with kTimeout when they do not within a few seconds.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/backend/snapshot.h"
#include "lb/base/address.h"
#include "lb/base/event_ring.h"
#include "lb/base/result.h"
#include "lb/base/time.h"
#include "lb/config/config.h"
#include "lb/rebalance/plan.h"
#include "lb/session/status.h"
#include "metrics/histogram.h"

namespace sstplb::control {

enum class FailureCode : std::uint8_t { kInvalid, kNotFound, kConflict, kTimeout, kInternal };

struct Failure {
  FailureCode code = FailureCode::kInternal;
  std::string message;
  std::string field;  // the key that is at fault, when there is one
};

template <class T>
using Answer = Result<T, Failure>;

// Why nothing can be decided for the moment.
inline Failure HandingOver() {
  return {FailureCode::kConflict, "a new process is taking over: try again in a moment", ""};
}

// What the last probe of a backend found.
struct ProbeStatus {
  config::ProbeKind kind = config::ProbeKind::kNone;
  bool answered = false;  // false until the first probe has ended; the rest is empty then
  WallTime when;
  Duration took{};
  std::string outcome;
  std::string detail;
  std::string hint;                // what that means on this kind of server; may be ""
  std::string note;                // a warning that changes nothing about the outcome; may be ""
  std::string server_kind;         // learned from the answers; "" when unknown
  std::uint64_t history = 0;       // the last answers, newest in bit 0; 1: good
  std::uint32_t history_size = 0;  // how many of the 64 bits count
  std::uint32_t streak = 0;        // answers in a row against the present health
  std::uint32_t rise = 0;
  std::uint32_t fall = 0;
};

struct CertificateStatus {
  std::string sha256;  // hex
  std::string subject;
  std::string issuer;
  std::vector<std::string> names;
  WallTime not_before;
  WallTime not_after;
  bool verified = false;      // leads to a root that the pool's ca_file, or this host, trusts
  std::string verify_error;   // why not
  std::string ocsp;           // what the server stapled: good, revoked, ...; "" nothing
  std::uint64_t changes = 0;  // how often it was another than before
  // What is wrong with it, in words of certificate_judge.h, each with its evidence.
  std::vector<std::pair<std::string, std::string>> findings;
};

enum class DrainCause : std::uint8_t { kOperator, kDown, kRemoved };
inline std::string_view ToString(DrainCause cause) {
  if (cause == DrainCause::kRemoved) return "removed";
  return cause == DrainCause::kOperator ? "operator" : "down";
}

struct DrainStatus {
  DrainCause cause = DrainCause::kOperator;
  std::uint32_t remaining = 0;       // sessions
  std::optional<WallTime> since;     // absent where the configuration says draining
  std::optional<WallTime> begins;    // in the future: nothing has changed yet
  std::optional<WallTime> deadline;  // when the rest is closed
  std::optional<double> pace;        // sessions per second
  bool idle_first = false;
  std::optional<WallTime> estimated_end;  // absent: when its sessions end by themselves
};

// A backend that gets no new sessions because of what sessions have shown of it.
struct EjectionStatus {
  std::string signal;  // the most frequent failure
  WallTime since;
  WallTime until;
  std::uint32_t times = 1;           // in a row, this one included
  std::uint32_t failures = 0;        // sources that failed, when it was ejected
  std::uint32_t sources = 0;         // that came
  std::uint32_t other_failures = 0;  // the same for the rest of the pool
  std::uint32_t other_sources = 0;
};

// What clients have shown of a backend within the window of its pool, in sources that count.
struct SensedStatus {
  std::uint32_t failures = 0;
  std::uint32_t sources = 0;         // failures included
  std::uint32_t other_failures = 0;  // of the other backends that are in use
  std::uint32_t other_sources = 0;
};

struct BackendStatus {
  std::string pool;
  std::string name;
  HostPort address;
  std::optional<SocketAddress> resolved;
  std::uint32_t weight = 0;
  std::uint32_t max_sessions = 0;
  config::AdminState admin = config::AdminState::kActive;
  backend::Health health = backend::Health::kUnknown;
  bool ready = false;
  bool added = false;    // by the operator; the configuration does not have it
  bool removed = false;  // only its last sessions are left; gone from the list when they are
  std::uint32_t sessions_active = 0;
  std::uint64_t sessions_opened = 0;
  std::uint32_t sessions_pending = 0;  // of the active ones: TLS is not through yet
  std::uint32_t sessions_queued = 0;   // that wait for a place; not active
  double share = 1;                    // of its clients that it gets now; below 1: slow start
  ProbeStatus probe;
  std::optional<CertificateStatus> certificate;
  std::optional<DrainStatus> drain;
  SensedStatus sensed;
  std::optional<EjectionStatus> ejection;
};

// Whether a pool's sessions are moved (docs/rebalance.md).
struct RebalanceStatus {
  bool active = false;
  bool by_operator = false;        // of an active one: by command, not by the configuration
  double per_second = 0;           // the budget; 0: none is configured
  std::optional<WallTime> ends;    // of an active one: then its window or its time is over
  std::optional<WallTime> begins;  // of one that is not: the next window
  std::uint64_t moved = 0;         // sessions, since the process began
};

// How a pool's sessions would be moved now.
struct RebalanceReport {
  std::string pool;
  double tolerance = 1;
  RebalanceStatus status;
  rebalance::Plan plan;
  std::size_t remembered = 0;  // clients that were moved in the last day, of all pools
  TimePoint now;               // of the plan
};

// Without a budget that of the configuration.
struct RebalanceWish {
  std::optional<double> per_second;
  Duration within = std::chrono::hours(1);
};

struct PoolStatus {
  std::string name;
  bool removed = false;  // only backends are left that are removed; what follows means nothing then
  config::Balance balance = config::Balance::kConsistentHash;
  config::ProxyProtocol proxy_protocol = config::ProxyProtocol::kNone;
  std::uint32_t affinity_entries = 0;  // balance = "source-ip"
  RebalanceStatus rebalance;
  bool certificate_mismatch = false;  // its backends show different certificates
  std::vector<BackendStatus> backends;
};

struct ListenerStatus {
  std::string name;
  std::vector<SocketAddress> bind;  // as bound: a configured port 0 is the real port here
  std::string pool;
  std::uint32_t routes = 0;
  std::uint32_t sessions_active = 0;
};

// How this process came by its sessions, when it took them over from another.
struct TakeoverStatus {
  WallTime when;
  std::uint32_t sessions = 0;
  Duration pause{};  // how long they stood still
};

// Over the line of processes, not of this one alone.
struct HandoffTotals {
  std::uint64_t taken = 0;
  std::uint64_t failed = 0;
  std::uint64_t sessions = 0;
  metrics::Histogram pauses{metrics::kPauseBounds};
};

struct DaemonStatus {
  std::string version;
  std::int64_t pid = 0;
  WallTime started;
  std::string config_file;
  std::uint32_t workers = 0;
  std::uint32_t sessions_active = 0;
  std::uint32_t max_sessions = 0;
  std::uint32_t open_files = 0;
  std::uint32_t open_files_limit = 0;
  bool ready =
      false;  // /readyz: every listener is bound and every pool they lead to has a ready backend
  std::string not_ready;             // the reason when it is not
  std::optional<DrainStatus> drain;  // of the whole balancer
  bool stopping = false;             // SIGTERM came: live sessions run on within the grace time
  std::optional<TakeoverStatus> takeover;
  HandoffTotals handoffs;
  bool upgrading = false;      // a new process is being started
  std::string upgrade_failed;  // why the last one did not take over; "" when none failed
  std::vector<ListenerStatus> listeners;
  std::vector<PoolStatus> pools;
};

// The balancer in three figures.
struct Summary {
  std::uint32_t sessions = 0;
  std::size_t backends = 0;  // of all pools
  std::size_t ready = 0;     // of these, those that get new sessions
};

struct BackendChange {
  std::optional<config::AdminState> admin;
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> max_sessions;
};

// How a backend is to be emptied; without pace and within its sessions run on.
struct DrainWish {
  std::optional<Duration> within;  // counted from the begin
  std::optional<double> pace;      // sessions per second
  bool idle_first = false;
  std::optional<WallTime> at;  // when it begins; absent or past: now
};

struct SessionPage {
  std::vector<session::SessionStatus> sessions;  // by id
  std::uint64_t total = 0;                       // that match the filter
  std::optional<session::SessionId> next;        // ask again with `after` = this; absent: no more
};

struct ExplainRequest {
  IpAddress source;
  std::string sni;       // "": a hello without server_name
  std::string listener;  // "": the first one
  std::vector<std::string> alpn;
};

// Which way a client would go now, step by step; nothing is sent and nothing counted.
struct Explanation {
  struct Candidate {
    std::string backend;
    bool chosen = false;
    std::string why;  // "first in hash order", "passed over: down (tls_timeout)", ...
  };
  std::string listener;
  std::string admission;  // "admitted", or why it is refused
  std::string route;      // which route matched, or "default pool", or "refused: unknown_sni"
  std::string pool;       // "" when refused
  std::string policy;
  std::string key;  // what is hashed, in words: "source 198.51.100.7"
  std::uint64_t hash = 0;
  std::vector<Candidate> candidates;  // in order
  std::string backend;                // "" when there is none
  bool waits = false;                 // for a place there
  std::string refused;                // a close reason, when there is no backend
};

struct ReloadReport {
  bool applied = false;                    // false for a dry run
  std::vector<std::string> changes;        // in the words of the configuration
  std::vector<std::string> needs_upgrade;  // changes that only a new process can apply
  std::vector<std::string> warnings;
};

class Api {
 public:
  virtual ~Api() = default;

  virtual Answer<DaemonStatus> GetStatus() = 0;
  // All pools with all their backends.
  virtual Answer<std::vector<PoolStatus>> GetPools() = 0;
  virtual Answer<BackendStatus> GetBackend(std::string_view pool, std::string_view name) = 0;
  virtual Answer<BackendStatus> AddBackend(std::string_view pool,
                                           const config::Backend& backend) = 0;
  // No new session finds it from here on. Its live sessions are closed as the pool's drain settings
  // say, or as a drain that is under way does; with `force` they run on. It stays in the lists as
  // `removed` until the last one has gone.
  virtual Answer<Done> RemoveBackend(std::string_view pool, std::string_view name, bool force) = 0;
  virtual Answer<BackendStatus> ChangeBackend(std::string_view pool, std::string_view name,
                                              const BackendChange& change) = 0;
  // No new sessions; live ones are closed as `wish` says.
  virtual Answer<BackendStatus> DrainBackend(std::string_view pool, std::string_view name,
                                             const DrainWish& wish) = 0;
  // The whole balancer: /readyz says no for global.drain_notice (or until `wish.at`, when that is
  // later), then no client is taken any more and sessions are closed as `wish` says. It is not
  // kept over a restart.
  virtual Answer<DaemonStatus> DrainAll(const DrainWish& wish) = 0;
  virtual Answer<DaemonStatus> UndrainAll() = 0;
  virtual Answer<BackendStatus> UndrainBackend(std::string_view pool, std::string_view name) = 0;
  // Forgets every decision of the operator about this backend.
  virtual Answer<Done> ResetBackend(std::string_view pool, std::string_view name) = 0;

  // What is over-filled and what would be moved; nothing changes.
  virtual Answer<RebalanceReport> GetRebalance(std::string_view pool) = 0;
  // Moves sessions from now on, whatever the configured window says; kept over a restart.
  virtual Answer<RebalanceReport> BeginRebalance(std::string_view pool,
                                                 const RebalanceWish& wish) = 0;
  // Takes that back: the configuration counts.
  virtual Answer<RebalanceReport> EndRebalance(std::string_view pool) = 0;

  // At most `limit` (itself at most 1000) sessions with an id above `after`.
  virtual Answer<SessionPage> GetSessions(const session::SessionFilter& filter,
                                          session::SessionId after, std::size_t limit) = 0;
  // Closes what matches; returns how many. An empty filter is refused.
  virtual Answer<std::uint64_t> CloseSessions(const session::SessionFilter& filter) = 0;

  virtual Answer<Explanation> Explain(const ExplainRequest& request) = 0;
  // Events above `after`, waiting up to `wait` for the first one. Never fails.
  virtual std::vector<Event> GetEvents(std::uint64_t after, std::size_t limit, Duration wait) = 0;
  // The running configuration as TOML, operator decisions included.
  virtual Answer<std::string> ExportConfig() = 0;
  virtual Answer<ReloadReport> Reload(bool dry_run) = 0;
  // Starts the binary on disk, which takes everything over from this process; returns its pid at
  // once. GetStatus() tells how it goes on: from the new process when it has, from this one when it
  // failed.
  virtual Answer<std::int64_t> Upgrade() = 0;
  // Prometheus text exposition format, version 0.0.4.
  virtual Answer<std::string> GetMetrics() = 0;
};

}  // namespace sstplb::control
