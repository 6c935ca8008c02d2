// Snapshot: what the data path knows of the backends at one moment, as an immutable value.
//
// The registry builds a new one for every change and hands it to the workers whole. The only parts
// that move are the load counters, which are shared by all snapshots that hold the same backend.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lb/backend/pace.h"
#include "lb/base/address.h"
#include "lb/config/config.h"

namespace sstplb::backend {

enum class Health : std::uint8_t { kUnknown, kUp, kDown };
std::string_view ToString(Health health);

// How much a backend carries, over all workers. Relaxed atomics: a pick may see a count that is a
// moment old, which costs a little balance and never correctness.
struct BackendLoad {
  std::atomic<std::uint32_t> active{0};  // sessions connected or connecting
  std::atomic<std::uint64_t> opened{0};  // sessions ever connected
  // Of the active ones, those that connect or whose TLS handshake is under way.
  std::atomic<std::uint32_t> pending{0};
  std::atomic<std::uint32_t> queued{0};  // sessions that wait for a place; not active
  Pace pace;                             // of new sessions
};

// One backend of a pool. Immutable but for what `load` points to.
struct BackendView {
  std::string name;
  HostPort address;                       // as configured
  std::optional<SocketAddress> resolved;  // absent while a host name has no answer
  std::uint32_t weight = 100;
  std::uint32_t max_sessions = 0;  // 0: no cap
  config::AdminState admin = config::AdminState::kActive;
  Health health = Health::kUnknown;
  bool ejected = false;                  // by what sessions have shown of it
  std::optional<TimePoint> ready_since;  // when it came back; absent: it was never away
  std::shared_ptr<BackendLoad> load;

  // Whether a new session may go here: what the operator wants, what the probe sees and what
  // sessions have shown meet only here. Unknown health is allowed: a balancer that has just started
  // must not refuse.
  bool Ready() const { return Usable() && !ejected; }
  // The same but for an ejection.
  bool Usable() const {
    return resolved.has_value() && admin == config::AdminState::kActive && health != Health::kDown;
  }
  bool Full() const {
    return max_sessions != 0 && load->active.load(std::memory_order_relaxed) >= max_sessions;
  }
  // Whether it would get new sessions but for an ejection: they are sent there, and find room.
  bool CanTake() const { return Usable() && weight != 0 && !Full(); }
};

struct PoolView {
  std::string name;
  config::DrainStyle drain;           // of a backend that leaves the pool
  std::vector<BackendView> backends;  // in the order of the configuration, then of addition

  const BackendView* Find(std::string_view backend) const;
};

struct Snapshot {
  std::uint64_t generation = 0;  // counts up from 1
  std::vector<PoolView> pools;

  const PoolView* Find(std::string_view pool) const;
};

}  // namespace sstplb::backend
