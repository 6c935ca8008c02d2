// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/demo_report.h"

#include <algorithm>

namespace sstplb::daemon {

DemoFigures Figures(const std::vector<tunnel::TunnelReport>& tunnels,
                    const std::vector<control::PoolStatus>& pools) {
  DemoFigures figures;
  figures.tunnels = tunnels.size();
  for (const tunnel::TunnelReport& tunnel : tunnels) {
    if (tunnel.state == tunnel::TunnelState::kUp) ++figures.up;
    figures.pings += tunnel.pings_answered;
  }
  for (const control::PoolStatus& pool : pools) {
    for (const control::BackendStatus& backend : pool.backends) {
      figures.per_backend[backend.name] = backend.sessions_active;
      if (backend.health == backend::Health::kUp) ++figures.backends_up;
    }
  }
  return figures;
}

std::string ToText(const DemoFigures& figures) {
  std::string text =
      std::to_string(figures.up) + " of " + std::to_string(figures.tunnels) + " tunnels up  ";
  for (const auto& [name, sessions] : figures.per_backend) {
    text += " " + name + " " + std::to_string(sessions) + " ";
  }
  return text + "  pings answered " + std::to_string(figures.pings);
}

bool Complete(const DemoFigures& figures) {
  return figures.up == figures.tunnels && figures.pings >= figures.tunnels &&
         figures.backends_up == figures.per_backend.size() && !figures.per_backend.empty() &&
         std::all_of(figures.per_backend.begin(), figures.per_backend.end(),
                     [](const auto& entry) { return entry.second > 0; });
}

}  // namespace sstplb::daemon
