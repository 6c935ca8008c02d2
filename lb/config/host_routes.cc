// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_routes.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "lb/base/fd.h"

namespace sstplb::config {
namespace {

// 0: there is a way, or it cannot be told; else why there is none.
int WhyNoWay(const SocketAddress& to, const std::optional<IpAddress>& from) {
  const Fd fd(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return 0;  // without IPv6, which is a fact of its own
  sockaddr_storage storage{};
  if (from) {
    const socklen_t size = SocketAddress{*from, 0}.ToSockaddr(storage);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return 0;
  }
  const socklen_t size = to.ToSockaddr(storage);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 ? 0 : errno;
}

std::string Word(int error) {
  // strerror() speaks of the socket; the cause is the route.
  if (error == EACCES) return "it is a broadcast address, or a route forbids it";
  if (error == EINVAL) return "the source cannot reach it, or its route is a blackhole";
  if (error == EADDRNOTAVAIL) return "it has no address that could be its source";
  return std::strerror(error);
}

void Look(NoRoutes& out, const Pool& pool, const SocketAddress& to) {
  std::vector<std::optional<IpAddress>> sources;
  for (const IpAddress& source : pool.source) {
    if (source.is_v4() == to.ip.is_v4()) sources.emplace_back(source);
  }
  if (pool.source.empty()) sources.emplace_back(std::nullopt);
  NoRoute fact;
  int error = 0;
  for (const std::optional<IpAddress>& source : sources) {
    error = WhyNoWay(to, source);
    if (error == 0) return;
    fact.source = source.value_or(IpAddress());
  }
  if (error == 0) return;  // no source of its family
  fact.error = Word(error);
  out[{pool.name, to.ip}] = fact;
}

}  // namespace

NoRoutes GatherNoRoutes(const Config& config) {
  NoRoutes out;
  for (const Pool& pool : config.pools) {
    for (const Backend& backend : pool.backends) {
      const auto address = backend.address.AsAddress();
      if (address) Look(out, pool, *address);
    }
  }
  return out;
}

}  // namespace sstplb::config
