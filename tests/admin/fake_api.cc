// SPDX-License-Identifier: Apache-2.0
#include "tests/admin/fake_api.h"

#include <algorithm>
#include <stdexcept>

#include "tests/admin/fake_metrics.h"

namespace sstplb::testing {
namespace {

using namespace std::chrono_literals;
using control::Failure;
using control::FailureCode;

SocketAddress At(std::string_view text) { return *SocketAddress::Parse(text); }

control::BackendStatus MakeBackend(std::string pool, std::string name, std::string_view address) {
  control::BackendStatus b;
  b.pool = std::move(pool);
  b.name = std::move(name);
  b.address = *HostPort::Parse(address);
  b.resolved = SocketAddress::Parse(address);
  b.weight = 100;
  b.health = backend::Health::kUp;
  b.ready = true;
  b.sessions_active = 2;
  b.sessions_opened = 1234;
  b.probe = {.kind = config::ProbeKind::kSstp,
             .answered = true,
             .when = WallClock::now() - 2s,
             .took = 43ms,
             .outcome = "ok",
             .detail = "200 in 43ms",
             .server_kind = "rras",
             .history = ~0ull,
             .history_size = 64,
             .streak = 0,
             .rise = 2,
             .fall = 3};
  b.certificate = control::CertificateStatus{.sha256 = std::string(64, 'a'),
                                             .subject = "CN=vpn.example.com",
                                             .issuer = "CN=Example CA",
                                             .names = {"vpn.example.com"},
                                             .not_before = WallClock::now() - 24h * 30,
                                             .not_after = WallClock::now() + 24h * 60 + 1h,
                                             .verify_error = "unable to get local issuer",
                                             .ocsp = "good"};
  return b;
}

std::vector<control::PoolStatus> MakePools() {
  control::PoolStatus main;
  main.name = "main";
  main.proxy_protocol = config::ProxyProtocol::kV2;
  main.backends = {MakeBackend("main", "vpn1", "10.0.0.11:443"),
                   MakeBackend("main", "vpn2", "10.0.0.12:443"),
                   MakeBackend("main", "vpn3", "[2001:db8::13]:443")};
  control::BackendStatus& down = main.backends[1];
  down.health = backend::Health::kDown;
  down.ready = false;
  down.sessions_active = 0;
  down.probe.outcome = "tls_timeout";
  down.probe.detail = "no ServerHello within 3.0s";
  down.probe.history = 0xfffffffffff000f8;
  down.probe.hint = "the process hangs";
  down.probe.note = "asked post, not call";
  down.certificate->not_after = WallClock::now() + 24h * 5 + 1h;
  down.certificate->changes = 2;
  down.certificate->findings = {{"expires", "in 5d1h"},
                                {"names", "ras.example.com"},
                                {"not_yet_valid", "from 2039-01-01T00:00:00Z"}};
  main.certificate_mismatch = true;
  control::BackendStatus& draining = main.backends[2];
  draining.admin = config::AdminState::kDraining;
  draining.ready = false;
  draining.certificate->not_after = WallClock::now() + 24h * 10 + 1h;  // certificate_warn is 7d
  draining.certificate->verified = true;
  draining.drain = control::DrainStatus{.remaining = 2, .deadline = WallClock::now() + 25min};
  control::PoolStatus lab;
  lab.name = "lab";
  lab.balance = config::Balance::kSourceIp;
  lab.affinity_entries = 17;
  lab.backends = {MakeBackend("lab", "old", "lab.example.net:4443")};
  control::BackendStatus& unknown = lab.backends[0];
  unknown.health = backend::Health::kUnknown;
  unknown.added = true;
  unknown.probe = {};
  unknown.certificate.reset();
  return {main, lab};
}

}  // namespace

FakeApi::FakeApi() {
  status.version = "0.1.0";
  status.pid = 4711;
  status.started = WallClock::now() - (3h + 12min);
  status.config_file = "/etc/sstplb/sstplb.toml";
  status.workers = 2;
  status.max_sessions = 10000;
  status.open_files = 57;
  status.open_files_limit = 65536;
  status.ready = true;
  status.listeners = {{.name = "vpn",
                       .bind = {At("0.0.0.0:443"), At("[::]:443")},
                       .pool = "main",
                       .routes = 2,
                       .sessions_active = 4}};
  status.pools = MakePools();
  sessions = {MakeSession(0x10, 3h), MakeSession(0x11, 5min), MakeSession(0x12, 40s),
              MakeSession(0x13, 2s)};
  sessions[0].sni = "<img src=x onerror=alert(1)>\xff";
  sessions[1].backend = "vpn3";
  sessions[2].phase = session::Phase::kConnecting;
  sessions[3].sni.clear();
  status.sessions_active = static_cast<std::uint32_t>(sessions.size());
  events.Add(WallClock::now() - 90s, LogLevel::kWarning, "backend main/vpn2",
             std::vector<LogField>{{"went", "down"}, {"was", "up"}, {"outcome", "tls_timeout"}});
  events.Add(WallClock::now() - 5s, LogLevel::kInfo, "session refused",
             std::vector<LogField>{{"listener", "vpn"},
                                   {"client", "198.51.100.9:5000"},
                                   {"reason", "unknown_sni"},
                                   {"sni", "<b>evil</b>"}});
}

session::SessionStatus FakeApi::MakeSession(session::SessionId id, Duration age) const {
  session::SessionStatus s;
  s.id = id;
  s.phase = session::Phase::kRelaying;
  s.listener = "vpn";
  s.client = At("198.51.100.7:50123");
  s.sni = "vpn.example.com";
  s.ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1";
  s.pool = "main";
  s.backend = "vpn1";
  s.backend_address = At("10.0.0.11:443");
  s.age = age;
  s.idle = 1s;
  s.to_backend_bytes = 48213311;
  s.to_client_bytes = 992331121;
  s.handshake_done = true;
  return s;
}

void FakeApi::AddEvent(std::string_view what) {
  events.Add(WallClock::now(), LogLevel::kInfo, what, std::vector<LogField>{{"n", 1}});
}

control::Answer<control::BackendStatus*> FakeApi::Find(std::string_view pool,
                                                       std::string_view name) {
  if (failure) return *failure;
  for (control::PoolStatus& p : status.pools) {
    for (control::BackendStatus& b : p.backends) {
      if (p.name == pool && b.name == name) return &b;
    }
  }
  return Failure{FailureCode::kNotFound, "pool main has no backend \"" + std::string(name) + "\"",
                 "name"};
}

bool FakeApi::IsDraining(std::string_view pool, std::string_view name) {
  const std::lock_guard lock(mutex_);
  return (*Find(pool, name))->admin == config::AdminState::kDraining;
}

control::Answer<control::DaemonStatus> FakeApi::GetStatus() {
  const std::lock_guard lock(mutex_);
  if (throws) throw std::runtime_error("secret detail");
  if (failure) return *failure;
  const control::DaemonStatus now = status;
  if (drain_empties && status.drain && status.drain->remaining > 0) --status.drain->remaining;
  return now;
}

control::Answer<std::vector<control::PoolStatus>> FakeApi::GetPools() {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  return status.pools;
}

control::Answer<control::BackendStatus> FakeApi::GetBackend(std::string_view pool,
                                                            std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  control::BackendStatus& b = **found;
  if (b.removed && b.sessions_active == 0) {
    return Failure{FailureCode::kNotFound, "no such backend", "name"};
  }
  if (b.drain && b.drain->deadline && WallClock::now() >= *b.drain->deadline) {
    b.drain->remaining = b.sessions_active = 0;
  }
  const control::BackendStatus now = b;
  if (drain_empties && b.drain && b.drain->remaining > 0) {
    --b.drain->remaining;
    --b.sessions_active;
  }
  return now;
}

control::Answer<control::BackendStatus> FakeApi::AddBackend(std::string_view pool,
                                                            const config::Backend& wanted) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  if (Find(pool, wanted.name)) {
    return Failure{FailureCode::kConflict, "pool main already has this backend", "name"};
  }
  calls.push_back("add " + std::string(pool) + "/" + wanted.name + " " + wanted.address.ToString() +
                  " weight=" + std::to_string(wanted.weight));
  for (control::PoolStatus& p : status.pools) {
    if (p.name != pool) continue;
    control::BackendStatus b;
    b.pool = pool;
    b.name = wanted.name;
    b.address = wanted.address;
    b.weight = wanted.weight;
    b.max_sessions = wanted.max_sessions;
    b.admin = wanted.admin;
    b.added = true;
    p.backends.push_back(b);
    return b;
  }
  return Failure{FailureCode::kNotFound, "no such pool", "pool"};
}

control::Answer<Done> FakeApi::RemoveBackend(std::string_view pool, std::string_view name,
                                             bool force) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  control::BackendStatus& b = **found;
  if (b.removed) return Failure{FailureCode::kConflict, "it is removed, with 2 sessions left", ""};
  calls.push_back("remove " + std::string(pool) + "/" + std::string(name) +
                  (force ? " force" : ""));
  if (b.sessions_active > 0) {
    b.removed = true;
    b.ready = false;
    b.admin = config::AdminState::kDraining;
    b.drain = control::DrainStatus{.cause = control::DrainCause::kRemoved,
                                   .remaining = b.sessions_active};
    return Done{};
  }
  for (control::PoolStatus& p : status.pools) {
    std::erase_if(p.backends,
                  [&](const auto& one) { return one.pool == pool && one.name == name; });
  }
  return Done{};
}

control::Answer<control::BackendStatus> FakeApi::ChangeBackend(
    std::string_view pool, std::string_view name, const control::BackendChange& change) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  control::BackendStatus& b = **found;
  if (change.admin) b.admin = *change.admin;
  if (change.weight) b.weight = *change.weight;
  if (change.max_sessions) b.max_sessions = *change.max_sessions;
  calls.push_back("change " + std::string(pool) + "/" + std::string(name));
  return b;
}

control::Answer<control::BackendStatus> FakeApi::DrainBackend(std::string_view pool,
                                                              std::string_view name,
                                                              const control::DrainWish& wish) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  control::BackendStatus& b = **found;
  b.admin = config::AdminState::kDraining;
  b.drain = control::DrainStatus{.remaining = b.sessions_active};
  const WallTime now = WallClock::now();
  b.drain->since = now;
  b.drain->begins = std::max(now, wish.at.value_or(now));
  b.drain->pace = wish.pace;
  b.drain->idle_first = wish.idle_first;
  if (wish.within) {
    b.drain->deadline = b.drain->estimated_end =
        *b.drain->begins + std::chrono::duration_cast<WallClock::duration>(*wish.within);
  }
  calls.push_back("drain " + b.pool + "/" + b.name + " " + ExactDuration(wish.within.value_or(0s)) +
                  (wish.pace ? " " + std::to_string(*wish.pace) + "/s" : "") +
                  (wish.idle_first ? " idle_first" : "") +
                  (wish.at ? " at " + FormatWallTime(*wish.at) : ""));
  return b;
}

control::Answer<control::BackendStatus> FakeApi::UndrainBackend(std::string_view pool,
                                                                std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  (*found)->admin = config::AdminState::kActive;
  (*found)->drain.reset();
  calls.push_back("undrain " + std::string(pool) + "/" + std::string(name));
  return **found;
}

control::Answer<control::DaemonStatus> FakeApi::DrainAll(const control::DrainWish& wish) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  status.drain = control::DrainStatus{.remaining = status.sessions_active, .pace = wish.pace};
  calls.push_back("drain all");
  return status;
}

control::Answer<control::DaemonStatus> FakeApi::UndrainAll() {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  status.drain.reset();
  calls.push_back("undrain all");
  return status;
}

control::Answer<control::RebalanceReport> FakeApi::GetRebalance(std::string_view pool) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  rebalance.pool = pool;
  return rebalance;
}

control::Answer<control::RebalanceReport> FakeApi::BeginRebalance(
    std::string_view pool, const control::RebalanceWish& wish) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  calls.push_back("rebalance " + std::string(pool) + " " +
                  (wish.per_second ? std::to_string(*wish.per_second * 3600) : "-") + " " +
                  ExactDuration(wish.within));
  rebalance.pool = pool;
  return rebalance;
}

control::Answer<control::RebalanceReport> FakeApi::EndRebalance(std::string_view pool) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  calls.push_back("end rebalance " + std::string(pool));
  rebalance.pool = pool;
  return rebalance;
}

control::Answer<Done> FakeApi::ResetBackend(std::string_view pool, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(pool, name);
  if (!found) return found.error();
  calls.push_back("reset " + std::string(pool) + "/" + std::string(name));
  return Done{};
}

control::Answer<control::SessionPage> FakeApi::GetSessions(const session::SessionFilter& filter,
                                                           session::SessionId after,
                                                           std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  control::SessionPage page;
  for (const session::SessionStatus& s : sessions) {
    if (!filter.Matches(s)) continue;
    ++page.total;
    if (s.id <= after) continue;
    if (page.sessions.size() == limit) {
      page.next = page.sessions.back().id;
      continue;
    }
    page.sessions.push_back(s);
  }
  return page;
}

control::Answer<std::uint64_t> FakeApi::CloseSessions(const session::SessionFilter& filter) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  return std::erase_if(sessions, [&](const auto& s) { return filter.Matches(s); });
}

control::Answer<control::Explanation> FakeApi::Explain(const control::ExplainRequest& request) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  control::Explanation e;
  e.listener = "vpn";
  if (request.sni == "bad.example.com") {
    e.admission = "admitted";
    e.route = "refused: unknown_sni";
    e.refused = "unknown_sni";
    return e;
  }
  e.admission = "admitted";
  e.route = request.sni.empty() ? "default pool" : "route 1: *.example.com";
  e.pool = "main";
  e.policy = "consistent-hash";
  e.key = "source " + request.source.SourceKey().ToString();
  e.hash = 0xdeadbeefcafef00d;
  e.candidates = {{"vpn2", false, "passed over: down (tls_timeout)"},
                  {"vpn1", true, "next in hash order"}};
  e.backend = "vpn1";
  e.waits = true;
  return e;
}

std::vector<Event> FakeApi::GetEvents(std::uint64_t after, std::size_t limit, Duration wait) {
  events_asked_after = after;
  std::vector<Event> found = events.WaitSince(after, limit, wait);
  if (!found.empty()) events_given = found.back().sequence;
  return found;
}

control::Answer<std::string> FakeApi::ExportConfig() {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  return std::string("[listener.vpn]\nbind = [\"0.0.0.0:443\"]\npool = \"main\"\n");
}

control::Answer<control::ReloadReport> FakeApi::Reload(bool dry_run) {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  control::ReloadReport report = reload;
  report.applied = !dry_run;
  return report;
}

control::Answer<std::int64_t> FakeApi::Upgrade() {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  return std::int64_t{4712};
}

control::Answer<std::string> FakeApi::GetMetrics() {
  const std::lock_guard lock(mutex_);
  if (failure) return *failure;
  return EveryMetric();
}

}  // namespace sstplb::testing
