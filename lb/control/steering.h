// Steering: the Api for other threads, on top of the controller and the workers.
//
// Each call asks the control loop and, where sessions are meant, the workers; the caller's thread
// waits, theirs do not.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/event_ring.h"
#include "lb/base/loop.h"
#include "lb/control/api.h"
#include "lb/control/controller.h"

namespace sstplb::control {

// All three must outlive it. Never called from the control loop or a worker.
class Steering final : public Api {
 public:
  Steering(Loop& loop, Controller& controller, EventRing& events)
      : loop_(loop), controller_(controller), events_(events) {}

  Answer<DaemonStatus> GetStatus() override;
  Answer<std::vector<PoolStatus>> GetPools() override;
  Answer<BackendStatus> GetBackend(std::string_view pool, std::string_view name) override;
  Answer<BackendStatus> AddBackend(std::string_view pool, const config::Backend& backend) override;
  Answer<Done> RemoveBackend(std::string_view pool, std::string_view name, bool force) override;
  Answer<BackendStatus> ChangeBackend(std::string_view pool, std::string_view name,
                                      const BackendChange& change) override;
  Answer<BackendStatus> DrainBackend(std::string_view pool, std::string_view name,
                                     const DrainWish& wish) override;
  Answer<BackendStatus> UndrainBackend(std::string_view pool, std::string_view name) override;
  Answer<DaemonStatus> DrainAll(const DrainWish& wish) override;
  Answer<DaemonStatus> UndrainAll() override;
  Answer<Done> ResetBackend(std::string_view pool, std::string_view name) override;
  Answer<RebalanceReport> GetRebalance(std::string_view pool) override;
  Answer<RebalanceReport> BeginRebalance(std::string_view pool, const RebalanceWish& wish) override;
  Answer<RebalanceReport> EndRebalance(std::string_view pool) override;
  Answer<SessionPage> GetSessions(const session::SessionFilter& filter, session::SessionId after,
                                  std::size_t limit) override;
  Answer<std::uint64_t> CloseSessions(const session::SessionFilter& filter) override;
  Answer<Explanation> Explain(const ExplainRequest& request) override;
  std::vector<Event> GetEvents(std::uint64_t after, std::size_t limit, Duration wait) override;
  Answer<std::string> ExportConfig() override;
  Answer<ReloadReport> Reload(bool dry_run) override;
  Answer<std::int64_t> Upgrade() override;
  Answer<std::string> GetMetrics() override;

  // How Upgrade() is done: `begin` runs on the loop. Before the first call of it.
  void SetUpgrade(std::function<Answer<std::int64_t>()> begin) {
    begin_upgrade_ = std::move(begin);
  }

 private:
  // Runs `run` on the loop, with the controller; an answer of type Answer<T>. Not while a new
  // process is taking over, which would not know of it.
  template <class T, class Run>
  Answer<T> Decide(Run run);
  // Runs `run`, an Answer<Done> of the controller, and tells how the backend is after it.
  template <class Run>
  Answer<BackendStatus> Command(std::string_view pool, std::string_view name, Run run);

  Loop& loop_;
  Controller& controller_;
  EventRing& events_;
  std::function<Answer<std::int64_t>()> begin_upgrade_;
};

}  // namespace sstplb::control
