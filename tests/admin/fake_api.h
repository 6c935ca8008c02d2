// FakeApi: a balancer that is only values, for tests of what is said to and about one.
//
// Two pools, four backends in different states, a few sessions (one with a hostile name) and
// events. Commands change the values as a balancer would. Thread-safe.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "lb/base/event_ring.h"
#include "lb/control/api.h"

namespace sstplb::testing {

class FakeApi : public control::Api {
 public:
  FakeApi();

  // What tests change or look at; take no lock, so only while nobody asks.
  control::DaemonStatus status;
  std::vector<session::SessionStatus> sessions;
  EventRing events{1000};
  control::ReloadReport reload;
  control::RebalanceReport rebalance;
  std::optional<control::Failure> failure;  // every call that can fails with it
  bool throws = false;                      // GetStatus() throws
  bool drain_empties = true;       // every look at a draining backend finds one session fewer
  std::vector<std::string> calls;  // what was changed, as "drain main/vpn1 1800s"

  std::atomic<std::uint64_t> events_given{0};        // the newest that GetEvents() gave
  std::atomic<std::uint64_t> events_asked_after{0};  // what it was last asked for

  bool IsDraining(std::string_view pool, std::string_view name);

  // A session that has been up for `age`.
  session::SessionStatus MakeSession(session::SessionId id, Duration age) const;
  void AddEvent(std::string_view what);

  control::Answer<control::DaemonStatus> GetStatus() override;
  control::Answer<std::vector<control::PoolStatus>> GetPools() override;
  control::Answer<control::BackendStatus> GetBackend(std::string_view pool,
                                                     std::string_view name) override;
  control::Answer<control::BackendStatus> AddBackend(std::string_view pool,
                                                     const config::Backend& backend) override;
  control::Answer<Done> RemoveBackend(std::string_view pool, std::string_view name,
                                      bool force) override;
  control::Answer<control::BackendStatus> ChangeBackend(
      std::string_view pool, std::string_view name, const control::BackendChange& change) override;
  control::Answer<control::BackendStatus> DrainBackend(std::string_view pool, std::string_view name,
                                                       const control::DrainWish& wish) override;
  control::Answer<control::BackendStatus> UndrainBackend(std::string_view pool,
                                                         std::string_view name) override;
  control::Answer<control::DaemonStatus> DrainAll(const control::DrainWish& wish) override;
  control::Answer<control::DaemonStatus> UndrainAll() override;
  control::Answer<Done> ResetBackend(std::string_view pool, std::string_view name) override;
  control::Answer<control::RebalanceReport> GetRebalance(std::string_view pool) override;
  control::Answer<control::RebalanceReport> BeginRebalance(
      std::string_view pool, const control::RebalanceWish& wish) override;
  control::Answer<control::RebalanceReport> EndRebalance(std::string_view pool) override;
  control::Answer<control::SessionPage> GetSessions(const session::SessionFilter& filter,
                                                    session::SessionId after,
                                                    std::size_t limit) override;
  control::Answer<std::uint64_t> CloseSessions(const session::SessionFilter& filter) override;
  control::Answer<control::Explanation> Explain(const control::ExplainRequest& request) override;
  std::vector<Event> GetEvents(std::uint64_t after, std::size_t limit, Duration wait) override;
  control::Answer<std::string> ExportConfig() override;
  control::Answer<control::ReloadReport> Reload(bool dry_run) override;
  control::Answer<std::int64_t> Upgrade() override;
  control::Answer<std::string> GetMetrics() override;

 private:
  // The backend, or a failure that names what there is.
  control::Answer<control::BackendStatus*> Find(std::string_view pool, std::string_view name);

  std::mutex mutex_;
};

}  // namespace sstplb::testing
