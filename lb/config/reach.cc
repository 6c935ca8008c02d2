// SPDX-License-Identifier: Apache-2.0
#include "lb/config/reach.h"

#include <string>
#include <utility>

#include "lb/config/names.h"

namespace sstplb::config {
namespace {

std::string KeyOf(const Pool& pool, const Backend& backend) {
  return "pool." + KeyText(pool.name) + ".backend." + KeyText(backend.name);
}

void Unreachable(Findings& out, const std::string& key, std::string reason, std::string remedy) {
  out.push_back(
      {Severity::kWarning, "backend_unreachable", key, std::move(reason), std::move(remedy)});
}

void Loop(Findings& out, const std::string& key, const SocketAddress& address) {
  out.push_back(
      {Severity::kWarning, "backend_is_listener", key,
       address.ToString() + " is a listener of this configuration: sessions would go in circles",
       "Give the address of the SSTP server itself"});
}

// `here`: that the address is one of this host's, so that a listener on every address has it too.
bool IsListener(const Config& config, const SocketAddress& address, bool here) {
  for (const Listener& listener : config.listeners) {
    for (const SocketAddress& bound : listener.bind) {
      if (bound.port != address.port || bound.ip.is_v4() != address.ip.is_v4()) continue;
      if (bound.ip == address.ip || (here && bound.ip.is_unspecified())) return true;
    }
  }
  return false;
}

void CheckOne(Findings& out, const Config& config, const HostFacts& facts, const Pool& pool,
              const Backend& backend) {
  const auto address = backend.address.AsAddress();
  if (!address || !NeverReachable(address->ip).empty()) return;
  const std::string key = KeyOf(pool, backend);
  if (!IsListener(config, *address, IsLoopback(address->ip)) &&
      facts.local_addresses.contains(address->ip) && IsListener(config, *address, true)) {
    return Loop(out, key, *address);
  }
  if (address->ip.is_v6() && !facts.has_ipv6) {
    return Unreachable(out, key, address->ToString() + " is an IPv6 address, this host has no IPv6",
                       "Give its IPv4 address, or turn IPv6 on");
  }
  const auto found = facts.no_route.find({pool.name, address->ip});
  if (found == facts.no_route.end()) return;
  const std::string from = pool.source.empty() ? "" : " from " + found->second.source.ToString();
  Unreachable(
      out, key,
      "this host has no way to " + address->ip.ToString() + from + ": " + found->second.error,
      "Correct the address, or the routes of this host (ip route get " + address->ip.ToString() +
          from + ")");
}

}  // namespace

bool IsLoopback(const IpAddress& ip) {
  static const Cidr kLoopback4 = *Cidr::Parse("127.0.0.0/8");
  static const Cidr kLoopback6 = *Cidr::Parse("::1");
  return kLoopback4.Contains(ip) || kLoopback6.Contains(ip);
}

std::string_view NeverReachable(const IpAddress& ip) {
  static const Cidr kMulticast4 = *Cidr::Parse("224.0.0.0/4");
  static const Cidr kMulticast6 = *Cidr::Parse("ff00::/8");
  static const Cidr kBroadcast = *Cidr::Parse("255.255.255.255");
  static const Cidr kLinkLocal6 = *Cidr::Parse("fe80::/10");
  if (ip.is_unspecified()) return "stands for every address, and is none of a server";
  if (kMulticast4.Contains(ip) || kMulticast6.Contains(ip)) return "is a multicast address";
  if (kBroadcast.Contains(ip)) return "is the broadcast address";
  if (kLinkLocal6.Contains(ip)) {
    return "is a link-local address, which needs the name of an interface to be reached";
  }
  return "";
}

void LintBackendAddresses(Findings& out, const Config& config, const Pool& pool) {
  for (const Backend& backend : pool.backends) {
    const auto address = backend.address.AsAddress();
    if (!address) continue;
    const std::string_view never = NeverReachable(address->ip);
    if (!never.empty()) {
      Unreachable(out, KeyOf(pool, backend), address->ip.ToString() + " " + std::string(never),
                  "Give a unicast address of the SSTP server, or its name");
    } else if (IsListener(config, *address, IsLoopback(address->ip))) {
      Loop(out, KeyOf(pool, backend), *address);
    }
  }
}

void CheckBackendAddresses(Findings& out, const Config& config, const HostFacts& facts) {
  for (const Pool& pool : config.pools) {
    for (const Backend& backend : pool.backends) CheckOne(out, config, facts, pool, backend);
  }
}

}  // namespace sstplb::config
