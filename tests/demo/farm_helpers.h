// What the tests of the demo farm share: a farm of one, a client of one, and patience.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "lb/demo/farm.h"
#include "lb/tunnel/tunnel_client.h"

namespace sstplb::demo {

// Long enough for a sanitizer on a busy machine; only a failing test waits it out.
inline constexpr Duration kPatience = std::chrono::seconds(20);

// Quick ends, so that tests need not wait as long as real servers do.
inline ServerOptions QuickServer() {
  ServerOptions options;
  options.personality.close_delay = std::chrono::milliseconds(20);
  return options;
}

inline std::unique_ptr<Farm> StartFarm(std::vector<ServerOptions> servers) {
  auto farm = Farm::Start(std::move(servers));
  EXPECT_TRUE(farm.ok()) << (farm.ok() ? "" : farm.error().message);
  return farm.ok() ? std::move(farm).value() : nullptr;
}

inline std::unique_ptr<Farm> StartFarm(ServerOptions server = QuickServer()) {
  std::vector<ServerOptions> servers;
  servers.push_back(std::move(server));
  return StartFarm(std::move(servers));
}

inline std::unique_ptr<tunnel::TunnelClient> StartClient(tunnel::TlsVersions versions = {}) {
  auto client = tunnel::TunnelClient::Start(versions);
  EXPECT_TRUE(client.ok());
  return std::move(client).value();
}

inline tunnel::TunnelOptions To(const Farm& farm, std::size_t server = 0) {
  tunnel::TunnelOptions options;
  options.server = farm.address(server);
  return options;
}

inline bool Up(const tunnel::TunnelReport& report) {
  return report.state == tunnel::TunnelState::kUp;
}
inline bool Ended(const tunnel::TunnelReport& report) {
  return report.state == tunnel::TunnelState::kEnded;
}
inline bool Idle(const ServerCounters& counters) {
  return counters.open == 0 && counters.tunnels == 0 && counters.addresses_in_use == 0;
}

}  // namespace sstplb::demo
