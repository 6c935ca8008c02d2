// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_ports.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "lb/config/names.h"

namespace sstplb::config {
namespace {

// From which addresses of ours `backend` can be reached; empty: from the one the kernel chooses.
std::set<IpAddress> SourcesFor(const Pool& pool, const Backend& backend) {
  std::set<IpAddress> sources(pool.source.begin(), pool.source.end());
  const auto address = backend.address.AsAddress();
  if (!address) return sources;
  std::erase_if(sources, [&](const IpAddress& ip) { return ip.is_v4() != address->ip.is_v4(); });
  return sources;
}

struct Need {
  HostPort address;
  std::set<IpAddress> sources;
  std::uint64_t capped = 0;  // by the backends' own max_sessions
  std::uint64_t shares = 0;  // of the global one
  PortNeed text;
};

Need& NeedOf(std::vector<Need>& needs, const HostPort& address, std::set<IpAddress> sources) {
  const auto found = std::ranges::find_if(
      needs, [&](const Need& need) { return need.address == address && need.sources == sources; });
  if (found != needs.end()) return *found;
  return needs.emplace_back(Need{address, std::move(sources), 0, 0, {}});
}

// Of `sessions`, what one of `backends` may get: with another one down.
std::uint64_t Share(std::uint64_t sessions, std::size_t backends) {
  if (backends < 2) return sessions;
  return (sessions + backends - 2) / (backends - 1);
}

// What is left of `text` after its first number, which goes to `number`.
bool TakeNumber(std::string_view& text, std::uint64_t& number) {
  const auto taken = std::from_chars(text.data(), text.data() + text.size(), number);
  if (taken.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(taken.ptr - text.data()));
  return true;
}

}  // namespace

std::vector<PortNeed> PortNeeds(const Config& config, std::uint64_t range) {
  std::vector<Need> needs;
  for (const Pool& pool : config.pools) {
    if (pool.transparent) continue;
    const std::string key = "pool." + KeyText(pool.name);
    for (const Backend& backend : pool.backends) {
      Need& need = NeedOf(needs, backend.address, SourcesFor(pool, backend));
      if (backend.max_sessions > 0) {
        need.capped += backend.max_sessions;
      } else {
        need.shares += Share(config.global.max_sessions, pool.backends.size());
        need.text.one_down |= pool.backends.size() > 1 && config.global.max_sessions > 0;
      }
      need.text.key = key + ".backend." + KeyText(backend.name);
      need.text.source = key + ".source";
    }
  }
  std::vector<PortNeed> out;
  out.reserve(needs.size());
  for (Need& need : needs) {
    const std::uint64_t shares = std::min<std::uint64_t>(need.shares, config.global.max_sessions);
    need.text.wanted = need.capped + shares;
    need.text.ports = range * std::max<std::uint64_t>(1, need.sources.size());
    out.push_back(std::move(need.text));
  }
  return out;
}

std::uint64_t UnreservedPorts(std::uint64_t first, std::uint64_t last, std::string_view reserved) {
  if (last < first) return 0;
  std::uint64_t left = last - first + 1;
  std::uint64_t next =
      first;  // the kernel sorts its ranges; should they overlap, none counts twice
  for (std::uint64_t low = 0; TakeNumber(reserved, low);) {
    std::uint64_t high = low;
    if (reserved.starts_with('-')) {
      reserved.remove_prefix(1);
      if (!TakeNumber(reserved, high)) break;
    }
    low = std::max(low, next);
    high = std::min(high, last);
    if (low <= high) {
      left -= high - low + 1;
      next = high + 1;
    }
    if (!reserved.starts_with(',')) break;
    reserved.remove_prefix(1);
  }
  return left;
}

}  // namespace sstplb::config
