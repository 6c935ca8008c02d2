// Lane: what one worker counts for one way through the balancer (listener, pool, backend).
//
// A session holds a pointer to its lane, so that counting is an addition and never a look-up.
// Everything here belongs to one worker's thread; a scrape asks the worker for copies.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lb/session/close_reason.h"
#include "lb/session/greeting.h"
#include "lb/session/sightings.h"
#include "lb/session/signal.h"
#include "metrics/histogram.h"

namespace sstplb::session {

enum class TlsResult : std::uint8_t { kDone, kAlertClient, kAlertServer, kClosed, kResumed };
inline constexpr std::size_t kTlsResultCount = 5;
std::string_view ToString(TlsResult result);

enum class ConnectFailure : std::uint8_t { kRefused, kTimeout, kUnreachable, kLocal };
inline constexpr std::size_t kConnectFailureCount = 4;
std::string_view ToString(ConnectFailure failure);
ConnectFailure ConnectFailureOf(int error);  // an errno

// What the kernel told of the sockets of one side, sampled (TcpFacts).
struct LegCounters {
  metrics::Histogram rtt{metrics::kRttBounds};
  std::uint64_t retransmits = 0;  // segments
};

// What happened on one lane since the worker began.
struct LaneCounters {
  std::uint64_t opened = 0;
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_bytes = 0;
  std::array<std::uint64_t, kCloseReasonCount> closed{};
  std::array<std::uint64_t, kTlsResultCount> handshakes{};
  std::array<std::uint64_t, kConnectFailureCount> connect_failures{};
  std::array<std::uint64_t, kSignalCount> signals{};
  metrics::Histogram queue_wait{metrics::kHandshakeBounds};  // of those that had to
  metrics::Histogram connect_duration{metrics::kHandshakeBounds};
  metrics::Histogram handshake_duration{metrics::kHandshakeBounds};
  metrics::Histogram session_duration{metrics::kSessionBounds};
  LegCounters client;
  LegCounters backend;
};

struct LaneKey {
  std::string listener;
  std::string pool;
  std::string backend;

  auto operator<=>(const LaneKey&) const = default;
};

// The same for looking up, so that it makes no strings.
struct LaneName {
  LaneName(std::string_view l, std::string_view p, std::string_view b)
      : listener(l), pool(p), backend(b) {}
  LaneName(const LaneKey& key) : LaneName(key.listener, key.pool, key.backend) {}  // NOLINT

  std::string_view listener;
  std::string_view pool;
  std::string_view backend;

  auto operator<=>(const LaneName&) const = default;
};

struct LaneOrder {
  using is_transparent = void;
  bool operator()(const LaneName& a, const LaneName& b) const { return a < b; }
};

struct Lane {
  LaneKey key;
  std::uint32_t active = 0;  // sessions connected
  std::uint32_t users = 0;   // sessions that point here
  LaneCounters counters;
  Sightings sightings;  // that the control loop has not taken yet
};

// What was seen of one backend by way of one lane.
struct BackendSightings {
  std::string pool;
  std::string backend;
  std::vector<Sighting> sightings;
};

// What happened at one listener before a backend was picked.
struct GateCounters {
  std::array<std::uint64_t, kCloseReasonCount> refused{};
  std::array<std::uint64_t, kHelloKindCount> hellos{};
  metrics::Histogram hello_duration{metrics::kHandshakeBounds};
};

struct Gate {
  std::string listener;
  std::uint32_t active = 0;  // sessions in any phase
  GateCounters counters;
};

// The lanes and gates of one worker. Pointers stay good until Forget() finds them unused.
class Books {
 public:
  Lane& LaneFor(const LaneName& name);
  Gate& GateFor(const std::string& listener);

  // Counts a signal, and keeps it until it is taken.
  void Note(Lane& lane, const IpAddress& client, Signal signal);
  std::vector<BackendSightings> TakeSightings();
  // Whether there is something to take. From any thread.
  bool has_sightings() const { return has_sightings_.load(std::memory_order_relaxed); }

  const std::map<LaneKey, std::unique_ptr<Lane>, LaneOrder>& lanes() const { return lanes_; }
  const std::map<std::string, std::unique_ptr<Gate>>& gates() const { return gates_; }

  // Drops lanes without users for which `keep` says no: their backend is not configured any more.
  template <class Keep>
  void Forget(Keep keep) {
    std::erase_if(
        lanes_, [&](const auto& entry) { return entry.second->users == 0 && !keep(entry.first); });
  }

 private:
  std::map<LaneKey, std::unique_ptr<Lane>, LaneOrder> lanes_;
  std::map<std::string, std::unique_ptr<Gate>> gates_;
  std::atomic<bool> has_sightings_ = false;
};

}  // namespace sstplb::session
