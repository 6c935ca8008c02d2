// HostFacts: what this host is and allows, as far as a configuration depends on it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lb/base/address.h"
#include "lb/config/config.h"

namespace sstplb::config {

// A file or folder, as the user that the daemon will run as sees it.
struct FileFact {
  bool exists = false;
  bool is_folder = false;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool others_read = false;  // everybody may read it
};

// Why there is no way from a source of a pool to a backend.
struct NoRoute {
  std::string error;  // what the kernel says
  IpAddress source;   // meaningless when the pool has none
};
using NoRoutes = std::map<std::pair<std::string, IpAddress>, NoRoute>;  // by pool and backend

struct HostFacts {
  std::uint64_t open_files_hard = 0;
  std::uint32_t cpus = 0;
  bool root = false;
  bool is_user = false;             // this process runs as the configured user already
  bool can_bind_low_ports = false;  // CAP_NET_BIND_SERVICE
  bool can_net_admin = false;       // CAP_NET_ADMIN
  bool has_ipv6 = false;
  std::set<IpAddress> local_addresses;
  NoRoutes no_route;
  std::set<std::string> users;                  // those of the configuration that exist
  std::map<std::string, FileFact> files;        // by path
  std::set<std::string> congestion_algorithms;  // that this process may choose
  // From /proc/sys; nullopt where it cannot be read.
  std::optional<std::uint64_t> somaxconn;
  std::optional<std::uint64_t> max_syn_backlog;
  std::optional<std::uint64_t> syncookies;
  std::optional<std::uint64_t> unprivileged_port_start;
  std::optional<std::uint64_t> first_local_port;
  std::optional<std::uint64_t> last_local_port;
  std::string reserved_ports;  // of those; "8080,30000-30099"
  std::optional<std::uint64_t> rmem_max;
  std::optional<std::uint64_t> wmem_max;
  std::optional<std::uint64_t> file_max;    // of the whole host
  std::optional<std::uint64_t> pipe_bytes;  // of a user without privileges, before pipes shrink
  std::optional<std::uint64_t> conntrack_max;
  std::optional<std::uint64_t> mtu_probing;
  std::optional<std::uint64_t> nonlocal_bind;
};

// Asks the system: /proc/sys, limits, capabilities, interfaces, routes, users and the files that
// the configuration names. Nothing is sent. Blocks for as long as those look-ups take.
HostFacts GatherHostFacts(const Config& config);

// The folder that a path lies in: "/a/b" gives "/a", "b" gives ".".
std::string FolderOf(const std::string& path);
// Every file and folder that the configuration names, folders for what the daemon creates.
std::vector<std::string> NamedFiles(const Config& config);

}  // namespace sstplb::config
