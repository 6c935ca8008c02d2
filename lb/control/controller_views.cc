// What the controller can tell, as copies.
//
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "lb/config/write.h"
#include "lb/control/controller.h"
#include "lb/session/picker.h"

namespace sstplb::control {
namespace {

std::uint32_t CountOpenFiles() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint32_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count < 3 ? 0 : count - 3;  // ".", ".." and the folder itself
}

std::uint32_t OpenFilesLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, UINT32_MAX));
}

}  // namespace

BackendStatus Controller::ToStatus(const backend::PoolView& pool,
                                   const backend::BackendView& backend) const {
  BackendStatus status;
  status.pool = pool.name;
  status.name = backend.name;
  status.address = backend.address;
  status.resolved = backend.resolved;
  status.weight = backend.weight;
  status.max_sessions = backend.max_sessions;
  status.admin = backend.admin;
  status.health = backend.health;
  status.ready = backend.Ready() && !backend.Full();
  status.sessions_active = backend.load->active.load(std::memory_order_relaxed);
  status.sessions_opened = backend.load->opened.load(std::memory_order_relaxed);
  status.sessions_pending = backend.load->pending.load(std::memory_order_relaxed);
  status.sessions_queued = backend.load->queued.load(std::memory_order_relaxed);
  if (const auto plan = plan_->FindPool(pool.name)) {
    status.share = session::ShareOf(*plan, backend, Clock::now());
  }
  const backend::Decision* decision = registry_.FindDecision(pool.name, backend.name);
  status.added = decision != nullptr && decision->added.has_value();
  const config::Pool* configured = config_.FindPool(pool.name);
  if (const ProbePage* page = probe_book_.Find(pool.name, backend.name)) {
    status.probe = control::ToStatus(*page);
  } else if (configured != nullptr) {
    status.probe.kind = configured->probe.kind;
    status.probe.rise = configured->probe.rise;
    status.probe.fall = configured->probe.fall;
  }
  if (const CertificatePage* page = certificate_book_.Find(pool.name, backend.name)) {
    status.certificate = control::ToStatus(*page);
  }
  status.drain = DrainOf(pool, backend);
  status.sensed = SensedOf(pool.name, backend.name);
  status.ejection = EjectionOf(pool.name, backend.name);
  return status;
}

BackendStatus Controller::ToStatus(const std::string& pool, const Departures::Departed& departed) {
  BackendStatus status;
  status.pool = pool;
  status.name = departed.view.name;
  status.address = departed.view.address;
  status.resolved = departed.view.resolved;
  status.weight = departed.view.weight;
  status.max_sessions = departed.view.max_sessions;
  status.admin = config::AdminState::kDraining;
  status.removed = true;
  status.sessions_active = departed.sessions();
  status.sessions_opened = departed.view.load->opened.load(std::memory_order_relaxed);
  status.drain = DrainOf(departed);
  return status;
}

std::vector<PoolStatus> Controller::GetPools() const {
  std::vector<PoolStatus> pools;
  for (const backend::PoolView& view : registry_.snapshot()->pools) {
    PoolStatus& pool = pools.emplace_back();
    pool.name = view.name;
    if (const config::Pool* configured = config_.FindPool(view.name)) {
      pool.balance = configured->balance;
      pool.proxy_protocol = configured->proxy_protocol;
      pool.rebalance = RebalanceOf(*configured);
    }
    if (const auto sticks = plan_builder_.Sticks(view.name)) {
      pool.affinity_entries = static_cast<std::uint32_t>(sticks->Size());
    }
    pool.certificate_mismatch = certificate_book_.Differ(view.name);
    for (const backend::BackendView& backend : view.backends) {
      pool.backends.push_back(ToStatus(view, backend));
    }
  }
  for (const auto& [key, departed] : departures_.all()) {
    if (departed.sessions() == 0) continue;
    auto pool = std::ranges::find(pools, key.first, &PoolStatus::name);
    if (pool == pools.end()) {
      pools.push_back({.name = key.first, .removed = true});
      pool = std::prev(pools.end());
    }
    pool->backends.push_back(ToStatus(key.first, departed));
  }
  return pools;
}

Answer<BackendStatus> Controller::GetBackend(std::string_view pool, std::string_view name) const {
  const Departures::Departed* departed = departures_.Find(pool, name);
  if (departed != nullptr && departed->sessions() > 0)
    return ToStatus(std::string(pool), *departed);
  const backend::PoolView* view = registry_.snapshot()->Find(pool);
  if (view == nullptr) {
    return Failure{FailureCode::kNotFound, "no pool \"" + std::string(pool) + "\"", "pool"};
  }
  const backend::BackendView* backend = view->Find(name);
  if (backend == nullptr) {
    return Failure{FailureCode::kNotFound,
                   "no backend \"" + std::string(name) + "\" in pool " + std::string(pool), "name"};
  }
  return ToStatus(*view, *backend);
}

DaemonStatus Controller::GetStatus() const {
  DaemonStatus status;
  status.version = SSTPLB_VERSION;
  status.pid = getpid();
  status.started = started_;
  status.config_file = config_file_;
  status.workers = static_cast<std::uint32_t>(workers_.size());
  status.sessions_active = budget_.active();
  status.max_sessions = budget_.limit();
  status.open_files = CountOpenFiles();
  status.open_files_limit = OpenFilesLimit();
  status.not_ready = NotReady();
  status.ready = status.not_ready.empty();
  status.stopping = stopping_;
  status.drain = DrainOfAll();
  upgrades_.Tell(status);
  status.pools = GetPools();
  for (const config::Listener& listener : config_.listeners) {
    status.listeners.push_back({.name = listener.name,
                                .bind = listeners_.Bound(listener.name),
                                .pool = listener.pool,
                                .routes = static_cast<std::uint32_t>(listener.routes.size())});
  }
  return status;
}

Summary Controller::GetSummary() const {
  Summary summary{.sessions = budget_.active()};
  const auto snapshot = registry_.snapshot();
  for (const backend::PoolView& pool : snapshot->pools) {
    summary.backends += pool.backends.size();
    summary.ready += static_cast<std::size_t>(
        std::ranges::count_if(pool.backends, [](const auto& backend) { return backend.Ready(); }));
  }
  return summary;
}

// Why this balancer should get no new clients; "" when it should.
std::string Controller::NotReady() const {
  if (stopping_) return "the balancer is stopping";
  if (drain_all_) return "the balancer is drained";
  const auto empty = [this](const std::string& name) {
    const backend::PoolView* pool = registry_.snapshot()->Find(name);
    return pool == nullptr || std::none_of(pool->backends.begin(), pool->backends.end(),
                                           [](const auto& b) { return b.Ready(); });
  };
  for (const config::Listener& listener : config_.listeners) {
    if (empty(listener.pool)) {
      return "listener " + listener.name + ": pool " + listener.pool + " has no ready backend";
    }
    for (const config::Route& route : listener.routes) {
      if (!empty(route.pool)) continue;
      return "listener " + listener.name + ": pool " + route.pool + " has no ready backend";
    }
  }
  return "";
}

std::string Controller::ExportConfig() const {
  return config::WriteToml(registry_.Effective(config_));
}

}  // namespace sstplb::control
