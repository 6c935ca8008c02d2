// Registry: the one writer of what backends there are and what state they are in.
//
// Three voices speak about a backend, and are kept apart:
//
//   configuration   the file: pools, backends, weights, admin state
//   operator        commands at run time: add, remove, drain, enable, disable, weight
//   probes          health
//
// The operator's decisions win over the configuration until they are reset; health never changes
// either of them. They are applied in this order: configuration, then decisions, then health.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/backend/snapshot.h"
#include "lb/base/result.h"
#include "lb/config/config.h"

namespace sstplb::backend {

// Belongs to one thread (the control loop). The snapshots it makes may be read by any.
class Registry {
 public:
  // Called after every change, with the new snapshot, on the registry's thread.
  using OnChange = std::function<void(const std::shared_ptr<const Snapshot>&)>;

  explicit Registry(OnChange on_change);

  // Several changes that are published as one: while a batch lives, the registry keeps silent.
  class Batch {
   public:
    explicit Batch(Registry& registry) : registry_(registry) { ++registry_.batches_; }
    ~Batch() {
      if (--registry_.batches_ == 0 && registry_.held_back_) registry_.Publish();
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    Registry& registry_;
  };

  // Replaces what the configuration said; operator decisions and health stay with their backends.
  // A backend that is in neither any more leaves the next snapshot; its load lives on while
  // sessions hold it, and is its load again when it comes back meanwhile. A pool may appear or go.
  // Where the file has caught up with the operator his decision is done with: it has the backend
  // that he added, or has no longer the one that he removed.
  void ApplyConfig(const config::Config& config);

  // Decisions of the operator. Errors name the pool or backend and what there is instead.
  Status Add(std::string_view pool, const config::Backend& backend);
  Status Remove(std::string_view pool, std::string_view name);
  // Ends a drain that is under way or to come.
  Status SetAdmin(std::string_view pool, std::string_view name, config::AdminState admin);
  // Without `begun` the drain is to come: the admin state stays as it is until this is called
  // again.
  Status SetDrain(std::string_view pool, std::string_view name, const Drain& drain, bool begun);
  // Takes back a drain that is to come.
  Status DropDrain(std::string_view pool, std::string_view name);
  Status SetWeight(std::string_view pool, std::string_view name, std::uint32_t weight);
  Status SetMaxSessions(std::string_view pool, std::string_view name, std::uint32_t max_sessions);
  // Forgets what the operator decided about this backend: the configuration's word counts again. An
  // added backend goes away.
  Status Reset(std::string_view pool, std::string_view name);

  // Decisions that were kept over a restart. Those about pools or backends that the configuration
  // does not have any more are kept but have no effect.
  void Restore(std::vector<Decision> decisions);
  const std::vector<Decision>& decisions() const { return decisions_; }
  // Valid until the next change; null when nothing was decided about this backend.
  const Decision* FindDecision(std::string_view pool, std::string_view name) const;

  // What sessions have shown (control::Ejector). Unknown names are ignored.
  void SetEjected(std::string_view pool, std::string_view name, bool ejected);

  // As another process knew it, in which the backend was ready; before its health and address are
  // told, in one batch with them.
  void SetReadySince(std::string_view pool, std::string_view name, std::optional<TimePoint> since);

  // What probes and name look-ups found. Unknown names are ignored: the answer may come late.
  void SetHealth(std::string_view pool, std::string_view name, Health health);
  void SetResolved(std::string_view pool, std::string_view name,
                   std::optional<SocketAddress> address);

  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }

  // The configuration with every decision worked in: what `config export` prints.
  config::Config Effective(const config::Config& config) const;

 private:
  struct Known {  // what outlives configuration changes
    Health health = Health::kUnknown;
    bool ejected = false;
    bool ready = false;
    std::optional<TimePoint> ready_since;  // as in BackendView
    std::optional<SocketAddress> resolved;
    HostPort address;
    std::shared_ptr<BackendLoad> load;
  };
  using Key = std::pair<std::string, std::string>;  // pool, backend

  Result<config::Backend> Wanted(std::string_view pool, std::string_view name) const;
  Decision& DecisionFor(std::string_view pool, std::string_view name);
  std::vector<config::Backend> WantedBackends(const config::Pool& pool) const;
  const config::Pool* FindPool(std::string_view pool) const;
  void DropFulfilled(const std::vector<config::Pool>& before);
  std::shared_ptr<BackendLoad> LoadOf(const Key& key);
  void Publish();

  OnChange on_change_;
  std::vector<config::Pool> pools_;  // as configured
  std::vector<Decision> decisions_;  // in the order they were made, one per backend
  std::map<Key, Known> known_;
  std::map<Key, std::weak_ptr<BackendLoad>> left_;  // of backends that are in no snapshot any more
  int batches_ = 0;
  bool held_back_ = false;  // a change waits for the batch to end
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>();
};

}  // namespace sstplb::backend
