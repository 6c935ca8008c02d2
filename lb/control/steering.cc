// SPDX-License-Identifier: Apache-2.0
#include "lb/control/steering.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lb/control/explain.h"
#include "lb/control/metrics_page.h"

namespace sstplb::control {
namespace {

constexpr std::size_t kMaxPage = 1000;

Failure TimedOut() {
  return {FailureCode::kTimeout, "the balancer did not answer in time; its log may say why", ""};
}

// What the loop answered, or that it did not.
template <class T>
Answer<T> OrTimeout(std::optional<Answer<T>> answer) {
  if (!answer) return TimedOut();
  return std::move(*answer);
}

}  // namespace

template <class T, class Run>
Answer<T> Steering::Decide(Run run) {
  return OrTimeout<T>(Ask(loop_, [&controller = controller_, run = std::move(run)]() -> Answer<T> {
    if (controller.upgrades().handing_over()) return HandingOver();
    return run(controller);
  }));
}

template <class Run>
Answer<BackendStatus> Steering::Command(std::string_view pool, std::string_view name, Run run) {
  return Decide<BackendStatus>([p = std::string(pool), n = std::string(name), run = std::move(run)](
                                   Controller& controller) -> Answer<BackendStatus> {
    const Answer<Done> done = run(controller, p, n);
    if (!done) return done.error();
    return controller.GetBackend(p, n);
  });
}

Answer<DaemonStatus> Steering::GetStatus() {
  auto status = Ask(loop_, [&controller = controller_] { return controller.GetStatus(); });
  auto reports =
      AskAll(controller_.workers(), [](worker::Worker& worker) { return worker.MakeReport(); });
  if (!status || !reports) return TimedOut();
  for (const worker::Report& report : *reports) {
    for (const session::Gate& gate : report.gates) {
      for (ListenerStatus& listener : status->listeners) {
        if (listener.name == gate.listener) listener.sessions_active += gate.active;
      }
    }
  }
  return std::move(*status);
}

Answer<std::vector<PoolStatus>> Steering::GetPools() {
  auto pools = Ask(loop_, [&controller = controller_] { return controller.GetPools(); });
  if (!pools) return TimedOut();
  return std::move(*pools);
}

Answer<BackendStatus> Steering::GetBackend(std::string_view pool, std::string_view name) {
  return OrTimeout<BackendStatus>(
      Ask(loop_, [&controller = controller_, p = std::string(pool), n = std::string(name)] {
        return controller.GetBackend(p, n);
      }));
}

Answer<BackendStatus> Steering::AddBackend(std::string_view pool, const config::Backend& backend) {
  return Command(pool, backend.name,
                 [backend](Controller& controller, const std::string& p, const std::string&) {
                   return controller.Add(p, backend);
                 });
}

Answer<Done> Steering::RemoveBackend(std::string_view pool, std::string_view name, bool force) {
  return Decide<Done>([p = std::string(pool), n = std::string(name),
                       force](Controller& controller) { return controller.Remove(p, n, force); });
}

Answer<BackendStatus> Steering::ChangeBackend(std::string_view pool, std::string_view name,
                                              const BackendChange& change) {
  return Command(pool, name,
                 [change](Controller& controller, const std::string& p, const std::string& n) {
                   return controller.Change(p, n, change);
                 });
}

Answer<BackendStatus> Steering::DrainBackend(std::string_view pool, std::string_view name,
                                             const DrainWish& wish) {
  return Command(pool, name,
                 [wish](Controller& controller, const std::string& p, const std::string& n) {
                   return controller.Drain(p, n, wish);
                 });
}

Answer<BackendStatus> Steering::UndrainBackend(std::string_view pool, std::string_view name) {
  return Command(pool, name,
                 [](Controller& controller, const std::string& p, const std::string& n) {
                   return controller.Undrain(p, n);
                 });
}

Answer<DaemonStatus> Steering::DrainAll(const DrainWish& wish) {
  const auto done =
      Decide<Done>([wish](Controller& controller) { return controller.DrainAll(wish); });
  if (!done) return done.error();
  return GetStatus();
}

Answer<DaemonStatus> Steering::UndrainAll() {
  const auto done = Decide<Done>([](Controller& controller) { return controller.UndrainAll(); });
  if (!done) return done.error();
  return GetStatus();
}

Answer<Done> Steering::ResetBackend(std::string_view pool, std::string_view name) {
  return Decide<Done>([p = std::string(pool), n = std::string(name)](Controller& controller) {
    return controller.Reset(p, n);
  });
}

Answer<RebalanceReport> Steering::GetRebalance(std::string_view pool) {
  struct Known {
    RebalanceReport report;
    std::shared_ptr<const session::PoolPlan> pool;
    rebalance::MovedClients moved;
  };
  auto known = Ask(loop_, [&controller = controller_, p = std::string(pool)] {
    Known out{.report = {}, .pool = controller.plan()->FindPool(p), .moved = {}};
    if (out.pool == nullptr) return out;
    out.report.pool = p;
    out.report.tolerance = out.pool->config.rebalance.tolerance;
    out.report.status = controller.RebalanceOf(out.pool->config);
    out.moved = controller.moved_clients();
    return out;
  });
  if (!known) return TimedOut();
  if (known->pool == nullptr) {
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  const auto over_filled = rebalance::OverFilled(rebalance::Shares(*known->pool));
  const auto answers =
      AskAll(controller_.workers(), [p = std::string(pool), over_filled](worker::Worker& worker) {
        return worker.Placements(p, over_filled);
      });
  if (!answers) return TimedOut();
  std::vector<rebalance::Seated> sessions;
  for (std::size_t i = 0; i < answers->size(); ++i) {
    for (const worker::Placement& placement : (*answers)[i]) sessions.push_back({placement, i});
  }
  known->report.now = Clock::now();
  known->report.remembered = known->moved.size();
  known->report.plan = rebalance::MakePlan(*known->pool, over_filled, std::move(sessions),
                                           known->moved, known->report.now);
  return std::move(known->report);
}

Answer<RebalanceReport> Steering::BeginRebalance(std::string_view pool, const RebalanceWish& wish) {
  const auto done = Decide<Done>([p = std::string(pool), wish](Controller& controller) {
    return controller.BeginRebalance(p, wish);
  });
  if (!done) return done.error();
  return GetRebalance(pool);
}

Answer<RebalanceReport> Steering::EndRebalance(std::string_view pool) {
  const auto done = Decide<Done>(
      [p = std::string(pool)](Controller& controller) { return controller.EndRebalance(p); });
  if (!done) return done.error();
  return GetRebalance(pool);
}

Answer<SessionPage> Steering::GetSessions(const session::SessionFilter& filter,
                                          session::SessionId after, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPage);
  struct Found {
    std::vector<session::SessionStatus> sessions;
    std::uint64_t total = 0;
  };
  auto answers = AskAll(controller_.workers(), [filter, after, limit](worker::Worker& worker) {
    Found found;
    // One more than asked for tells whether there is a next page.
    found.sessions = worker.Find(filter, after, limit + 1, found.total);
    return found;
  });
  if (!answers) return TimedOut();
  SessionPage page;
  for (Found& found : *answers) {
    page.total += found.total;
    std::move(found.sessions.begin(), found.sessions.end(), std::back_inserter(page.sessions));
  }
  std::sort(page.sessions.begin(), page.sessions.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  if (page.sessions.size() > limit) {
    page.sessions.resize(limit);
    page.next = page.sessions.back().id;
  }
  return page;
}

Answer<std::uint64_t> Steering::CloseSessions(const session::SessionFilter& filter) {
  if (filter.IsEmpty()) {
    return Failure{FailureCode::kInvalid,
                   "say which sessions: an id, a backend, a source, a name or an age", ""};
  }
  auto closed = AskAll(controller_.workers(), [filter](worker::Worker& worker) {
    return worker.CloseMatching(filter, session::CloseReason::kOperator);
  });
  if (!closed) return TimedOut();
  std::uint64_t total = 0;
  for (const std::uint64_t count : *closed) total += count;
  return total;
}

Answer<Explanation> Steering::Explain(const ExplainRequest& request) {
  return OrTimeout<Explanation>(Ask(loop_, [&controller = controller_, request] {
    const auto outcome_of = [&controller](const std::string& pool, const std::string& backend) {
      const ProbePage* page = controller.probe_book().Find(pool, backend);
      return page == nullptr ? std::string() : std::string(probes::ToString(page->last.outcome));
    };
    return ExplainPlan(*controller.plan(), request,
                       {.outcome_of = outcome_of,
                        .ejector = &controller.ejector(),
                        .departures = &controller.departures(),
                        .sessions = controller.budget().active(),
                        .max_sessions = controller.budget().limit(),
                        .drained = controller.refusing(),
                        .now = Clock::now()});
  }));
}

std::vector<Event> Steering::GetEvents(std::uint64_t after, std::size_t limit, Duration wait) {
  if (wait.count() <= 0) return events_.Since(after, limit);
  return events_.WaitSince(after, limit, wait);
}

Answer<std::string> Steering::ExportConfig() {
  auto text = Ask(loop_, [&controller = controller_] { return controller.ExportConfig(); });
  if (!text) return TimedOut();
  return std::move(*text);
}

Answer<ReloadReport> Steering::Reload(bool dry_run) {
  return OrTimeout<ReloadReport>(
      Ask(loop_, [&controller = controller_, dry_run] { return controller.Reload(dry_run); }));
}

Answer<std::int64_t> Steering::Upgrade() {
  if (!begin_upgrade_) return Failure{FailureCode::kInternal, "this process cannot upgrade", ""};
  return OrTimeout<std::int64_t>(Ask(loop_, begin_upgrade_));
}

Answer<std::string> Steering::GetMetrics() {
  struct Seen {
    DaemonStatus status;
    std::map<ProbeBook::Key, ProbePage> probes;
    EjectionCounts ejections;
  };
  auto seen = Ask(loop_, [&controller = controller_] {
    return Seen{controller.GetStatus(), controller.probe_book().pages(), controller.ejections()};
  });
  auto reports =
      AskAll(controller_.workers(), [](worker::Worker& worker) { return worker.MakeFullReport(); });
  if (!seen || !reports) return TimedOut();
  return MetricsPage(seen->status, *reports, seen->probes, seen->ejections);
}

}  // namespace sstplb::control
