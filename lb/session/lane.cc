// SPDX-License-Identifier: Apache-2.0
#include "lb/session/lane.h"

#include <cerrno>

namespace sstplb::session {

std::string_view ToString(TlsResult result) {
  constexpr std::string_view kNames[] = {"done", "alert_client", "alert_server", "closed",
                                         "resumed"};
  return kNames[static_cast<std::size_t>(result)];
}

std::string_view ToString(ConnectFailure failure) {
  constexpr std::string_view kNames[] = {"refused", "timeout", "unreachable", "local"};
  return kNames[static_cast<std::size_t>(failure)];
}

ConnectFailure ConnectFailureOf(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
      return ConnectFailure::kRefused;
    case ETIMEDOUT:
      return ConnectFailure::kTimeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return ConnectFailure::kUnreachable;
    default:  // no descriptors, no ports, no permission: this host's own matter
      return ConnectFailure::kLocal;
  }
}

Lane& Books::LaneFor(const LaneName& name) {
  const auto found = lanes_.find(name);
  if (found != lanes_.end()) return *found->second;
  const LaneKey key{std::string(name.listener), std::string(name.pool), std::string(name.backend)};
  auto& lane = lanes_[key] = std::make_unique<Lane>();
  lane->key = key;
  return *lane;
}

Gate& Books::GateFor(const std::string& listener) {
  auto& gate = gates_[listener];
  if (!gate) {
    gate = std::make_unique<Gate>();
    gate->listener = listener;
  }
  return *gate;
}

void Books::Note(Lane& lane, const IpAddress& client, Signal signal) {
  ++lane.counters.signals[static_cast<std::size_t>(signal)];
  lane.sightings.Add({SourceHash(client), NetworkHash(client), signal});
  has_sightings_.store(true, std::memory_order_relaxed);
}

std::vector<BackendSightings> Books::TakeSightings() {
  has_sightings_.store(false, std::memory_order_relaxed);
  std::vector<BackendSightings> taken;
  for (const auto& [key, lane] : lanes_) {
    if (lane->sightings.empty()) continue;
    taken.push_back({key.pool, key.backend, lane->sightings.Take()});
  }
  return taken;
}

}  // namespace sstplb::session
