// Picking: a pool's policy asked for one client.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "lb/balance/policy.h"
#include "lb/balance/ramp.h"
#include "lb/session/plan.h"

namespace sstplb::session {

// The share of its clients that a backend gets now; below 1 while it starts slowly.
inline double ShareOf(const PoolPlan& pool, const backend::BackendView& backend, TimePoint now) {
  if (!backend.ready_since) return 1;
  return balance::RampShare(now - *backend.ready_since, pool.config.slow_start);
}

inline bool AnySlowStart(const PoolPlan& pool, TimePoint now) {
  if (pool.config.slow_start == Duration::zero()) return false;
  return std::ranges::any_of(pool.view.backends, [&](const backend::BackendView& backend) {
    return ShareOf(pool, backend, now) < 1;
  });
}

// Whether clients belong to one backend more than to another.
inline bool IsSticky(config::Balance balance) {
  return balance == config::Balance::kConsistentHash || balance == config::Balance::kSourceIp;
}

// The loads of a pool as a policy looks at them. Must not outlive the pool. With `key`, a backend
// that starts slowly is only usable for its share of clients.
class PoolLoads final : public balance::LoadView {
 public:
  explicit PoolLoads(const PoolPlan& pool, const balance::Key* key = nullptr)
      : pool_(pool), key_(key) {}

  std::uint32_t Active(std::size_t index) const override {
    const backend::BackendLoad& load = *pool_.view.backends[index].load;
    return load.active.load(std::memory_order_relaxed) +
           load.queued.load(std::memory_order_relaxed);
  }
  bool Usable(std::size_t index) const override {
    const backend::BackendView& backend = pool_.view.backends[index];
    if (!backend.Ready() || backend.Full()) return false;
    return key_ == nullptr ||
           balance::InShare(key_->hash, backend.name, ShareOf(pool_, backend, key_->now));
  }

 private:
  const PoolPlan& pool_;
  const balance::Key* key_;
};

// Whose placement it is: the client and, where the pool hashes it, the name it asked for.
inline balance::Key KeyFor(const PoolPlan& pool, const IpAddress& client,
                           std::optional<std::string_view> sni, TimePoint now) {
  return {
      .hash = balance::ClientKey(client, sni, pool.config.hash_key), .source = client, .now = now};
}

// How the policy is asked: for a session, or only to know (Policy::Peek).
using Asking = void (balance::Policy::*)(const balance::Key&, const balance::LoadView&,
                                         balance::Candidates&) const;

inline balance::Candidates ReadyBy(Asking asking, const PoolPlan& pool, const balance::Key& key,
                                   std::size_t limit) {
  balance::Candidates candidates(limit);
  const balance::Policy& policy = *pool.policy;
  if (!AnySlowStart(pool, key.now)) {
    (policy.*asking)(key, PoolLoads(pool), candidates);
    return candidates;
  }
  (policy.*asking)(key, PoolLoads(pool, &key), candidates);
  // One that starts slowly is better than none.
  const bool none = candidates.empty();
  const PoolLoads loads(pool);
  for (std::size_t i = 0; i < pool.view.backends.size(); ++i) {
    if (pool.view.backends[i].weight != 0 && loads.Usable(i)) candidates.Add(i);
  }
  if (none) candidates.set_why("slow_start");
  return candidates;
}

// Where only ejected ones are left, those.
inline balance::Candidates CandidatesBy(Asking asking, const PoolPlan& pool,
                                        const balance::Key& key, std::size_t limit) {
  balance::Candidates candidates = ReadyBy(asking, pool, key, limit);
  if (!candidates.empty()) return candidates;
  for (std::size_t i = 0; i < pool.view.backends.size(); ++i) {
    const backend::BackendView& backend = pool.view.backends[i];
    if (backend.ejected && backend.CanTake()) candidates.Add(i);
  }
  candidates.set_why("ejected");
  return candidates;
}

// For a session that is to be connected.
inline balance::Candidates PickCandidates(const PoolPlan& pool, const balance::Key& key,
                                          std::size_t limit = balance::Candidates::kCapacity) {
  return CandidatesBy(&balance::Policy::Pick, pool, key, limit);
}

// What that would be now; changes nothing.
inline balance::Candidates PeekCandidates(const PoolPlan& pool, const balance::Key& key,
                                          std::size_t limit = balance::Candidates::kCapacity) {
  return CandidatesBy(&balance::Policy::Peek, pool, key, limit);
}

}  // namespace sstplb::session
