// Picking: a pool's policy asked for one client.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/balance/policy.h"
#include "lb/session/plan.h"

namespace sstplb::session {

// The loads of a pool as a policy looks at them. Must not outlive the pool.
class PoolLoads final : public balance::LoadView {
 public:
  explicit PoolLoads(const PoolPlan& pool) : pool_(pool) {}

  std::uint32_t Active(std::size_t index) const override {
    return pool_.view.backends[index].load->active.load(std::memory_order_relaxed);
  }
  bool Usable(std::size_t index) const override {
    const backend::BackendView& backend = pool_.view.backends[index];
    return backend.Ready() && !backend.Full();
  }

 private:
  const PoolPlan& pool_;
};

// Whose placement it is: the client and, where the pool hashes it, the name it asked for.
inline balance::Key KeyFor(const PoolPlan& pool, const IpAddress& client,
                           std::optional<std::string_view> sni, TimePoint now) {
  return {
      .hash = balance::ClientKey(client, sni, pool.config.hash_key), .source = client, .now = now};
}

inline balance::Candidates PickCandidates(const PoolPlan& pool, const balance::Key& key,
                                          std::size_t limit = balance::Candidates::kCapacity) {
  balance::Candidates candidates(limit);
  pool.policy->Pick(key, PoolLoads(pool), candidates);
  return candidates;
}

}  // namespace sstplb::session
