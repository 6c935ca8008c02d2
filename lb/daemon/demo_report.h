// What the demo tells a person: how each tunnel stands and where it went.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lb/control/api.h"
#include "lb/tunnel/tunnel.h"

namespace sstplb::daemon {

struct DemoFigures {
  std::size_t tunnels = 0;
  std::size_t up = 0;
  std::uint64_t pings = 0;  // answered
  std::map<std::string, std::uint32_t> per_backend;
  std::size_t backends_up = 0;
};

DemoFigures Figures(const std::vector<tunnel::TunnelReport>& tunnels,
                    const std::vector<control::PoolStatus>& pools);

// "12 of 12 tunnels up   vpn1 4  vpn2 5  vpn3 3   pings answered 240"
std::string ToText(const DemoFigures& figures);

// Whether the demo shows what it is there for: every tunnel up, over every backend, with answers.
bool Complete(const DemoFigures& figures);

}  // namespace sstplb::daemon
