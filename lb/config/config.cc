// SPDX-License-Identifier: Apache-2.0
#include "lb/config/config.h"

#include <algorithm>
#include <tuple>

namespace sstplb::config {
namespace {

template <class T>
const T* FindByName(const std::vector<T>& items, std::string_view name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const T& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

bool Global::operator==(const Global& other) const {
  const auto all = [](const Global& g) {
    return std::tie(g.workers, g.max_sessions, g.user, g.state_file, g.shutdown_grace,
                    g.drain_notice, g.drain_pace, g.ignore_findings, g.log.level, g.log.format,
                    g.log.target);
  };
  return all(*this) == all(other);
}

const Pool* Config::FindPool(std::string_view name) const { return FindByName(pools, name); }

const Listener* Config::FindListener(std::string_view name) const {
  return FindByName(listeners, name);
}

std::string ProbeServerName(const Config& config, const Pool& pool) {
  if (!pool.probe.sni.empty()) return pool.probe.sni;
  for (const Listener& listener : config.listeners) {
    for (const Route& route : listener.routes) {
      if (route.pool != pool.name) continue;
      for (const std::string& name : route.sni) {
        if (name.find('*') == std::string::npos) return name;
      }
    }
  }
  return {};
}

}  // namespace sstplb::config
