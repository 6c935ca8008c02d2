// SPDX-License-Identifier: Apache-2.0
#include "lb/load/limits.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "lb/base/fd.h"

namespace sstplb::load {
namespace {

// The standard streams, and what each loop holds.
constexpr std::uint64_t kOtherFiles = 32;
constexpr std::uint64_t kFilesPerWorker = 8;
// How long a tunnel that is being exchanged keeps its descriptor: the server's time to close.
constexpr Duration kEndTakes = std::chrono::seconds(3);
// How long the kernel may keep the port of a connection that this side closed.
constexpr Duration kPortTakes = std::chrono::seconds(60);

// Of tunnels that were exchanged, how many still hold something that they hold for `time`.
std::uint64_t Exchanged(const Options& options, Duration time) {
  if (options.churn_every.count() <= 0) return 0;
  return static_cast<std::uint64_t>(std::min(time, options.hold) / options.churn_every) + 1;
}

}  // namespace

HostLimits ReadHostLimits() {
  HostLimits limits{std::numeric_limits<std::uint64_t>::max(),
                    std::numeric_limits<std::uint32_t>::max()};
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) limits.open_files = files.rlim_cur;
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint32_t lowest = 0;
  std::uint32_t highest = 0;
  if (range >> lowest >> highest && highest >= lowest) limits.local_ports = highest - lowest + 1;
  return limits;
}

Status CheckLimits(const Options& options, const HostLimits& limits) {
  const std::uint64_t files = options.tunnels + Exchanged(options, kEndTakes) + kOtherFiles +
                              kFilesPerWorker * options.workers;
  if (files > limits.open_files) {
    return Error{"this load needs " + std::to_string(files) + " open files, and " +
                 std::to_string(limits.open_files) +
                 " are allowed; raise the limit (ulimit -Hn, LimitNOFILE= of a systemd unit) or "
                 "ask for fewer tunnels"};
  }
  const std::uint64_t sources = std::max<std::size_t>(options.sources.size(), 1);
  const std::uint64_t ports = options.tunnels + Exchanged(options, kPortTakes);
  if (ports > sources * limits.local_ports) {
    return Error{"this load needs " + std::to_string(ports) + " local ports, and " +
                 std::to_string(limits.local_ports) +
                 " can be had for each source address; name more of them (--source), or widen "
                 "net.ipv4.ip_local_port_range"};
  }
  return Done{};
}

Status CheckSources(const Options& options) {
  for (const IpAddress& source : options.sources) {
    const std::string name = source.ToString();
    if (source.is_v4() != options.server.ip.is_v4()) {
      return Error{"from the source address " + name + " there is no way to " +
                   options.server.ToString() + ": one is IPv4, the other IPv6"};
    }
    const SocketAddress address{source, 0};
    const Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = address.ToSockaddr(storage);
    if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
      return Error{"cannot connect from " + name + ": " + std::strerror(errno) +
                   "; name addresses that this host has (ip address)"};
    }
  }
  return Done{};
}

}  // namespace sstplb::load
