// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_facts.h"

#include <cap-ng.h>
#include <grp.h>
#include <ifaddrs.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>

#include "lb/config/host_routes.h"

namespace sstplb::config {
namespace {

struct Who {
  uid_t uid = ::geteuid();
  std::vector<gid_t> groups;
};

std::string ReadSys(const std::string& name) {
  std::ifstream in("/proc/sys/" + name);
  std::string text;
  std::getline(in, text);
  return text;
}

std::vector<std::string> Split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<std::uint64_t> SysNumber(const std::string& name, std::size_t index = 0) {
  const auto words = Split(ReadSys(name));
  if (index >= words.size()) return std::nullopt;
  const std::string& word = words[index];
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (word.size() > 18 || !std::all_of(word.begin(), word.end(), digit)) return std::nullopt;
  return std::stoull(word);
}

// The user that the daemon becomes; its present one when there is none.
std::optional<Who> WhoRuns(const std::string& user) {
  Who who;
  if (user.empty()) {
    const int count = ::getgroups(0, nullptr);
    who.groups.resize(static_cast<std::size_t>(std::max(0, count)));
    const int got = ::getgroups(count, who.groups.data());
    who.groups.resize(static_cast<std::size_t>(std::max(0, got)));
    who.groups.push_back(::getegid());
    return who;
  }
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return std::nullopt;
  who.uid = entry->pw_uid;
  int count = 256;
  who.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), entry->pw_gid, who.groups.data(), &count) < 0) count = 0;
  who.groups.resize(static_cast<std::size_t>(count));
  who.groups.push_back(entry->pw_gid);
  return who;
}

bool MayDo(const struct stat& info, const Who& who, unsigned bit) {
  if (who.uid == 0) return bit != 1 || S_ISDIR(info.st_mode) || (info.st_mode & 0111) != 0;
  if (info.st_uid == who.uid) return ((info.st_mode >> 6) & bit) != 0;
  const auto& groups = who.groups;
  if (std::find(groups.begin(), groups.end(), info.st_gid) != groups.end()) {
    return ((info.st_mode >> 3) & bit) != 0;
  }
  return (info.st_mode & bit) != 0;
}

FileFact Look(const std::string& path, const Who& who) {
  FileFact fact;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fact;
  fact.exists = true;
  fact.is_folder = S_ISDIR(info.st_mode);
  fact.readable = MayDo(info, who, 4);
  fact.writable = MayDo(info, who, 2);
  fact.executable = MayDo(info, who, 1);
  fact.others_read = (info.st_mode & 4) != 0;
  return fact;
}

std::set<IpAddress> LocalAddresses() {
  std::set<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (const auto address = SocketAddress::FromSockaddr(one->ifa_addr)) {
      addresses.insert(address->ip);
    }
  }
  return addresses;
}

std::uint32_t UsableCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

bool Capable(unsigned capability) {
  return ::capng_have_capability(CAPNG_EFFECTIVE, capability) != 0;
}

void ReadSystem(HostFacts& facts) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.open_files_hard = limit.rlim_max;
  facts.cpus = UsableCpus();
  facts.root = ::geteuid() == 0;
  ::capng_get_caps_process();
  facts.can_bind_low_ports = Capable(CAP_NET_BIND_SERVICE);
  facts.can_net_admin = Capable(CAP_NET_ADMIN);
  facts.has_ipv6 = ::access("/proc/net/if_inet6", R_OK) == 0;
  facts.local_addresses = LocalAddresses();
  const std::string algorithms = facts.can_net_admin ? "net/ipv4/tcp_available_congestion_control"
                                                     : "net/ipv4/tcp_allowed_congestion_control";
  for (const std::string& name : Split(ReadSys(algorithms))) {
    facts.congestion_algorithms.insert(name);
  }
  facts.somaxconn = SysNumber("net/core/somaxconn");
  facts.max_syn_backlog = SysNumber("net/ipv4/tcp_max_syn_backlog");
  facts.syncookies = SysNumber("net/ipv4/tcp_syncookies");
  facts.unprivileged_port_start = SysNumber("net/ipv4/ip_unprivileged_port_start");
  facts.first_local_port = SysNumber("net/ipv4/ip_local_port_range", 0);
  facts.last_local_port = SysNumber("net/ipv4/ip_local_port_range", 1);
  facts.reserved_ports = ReadSys("net/ipv4/ip_local_reserved_ports");
  facts.rmem_max = SysNumber("net/core/rmem_max");
  facts.wmem_max = SysNumber("net/core/wmem_max");
  facts.file_max = SysNumber("fs/file-max");
  // 0 is no limit.
  const auto pages = SysNumber("fs/pipe-user-pages-soft");
  if (pages && *pages > 0) {
    facts.pipe_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  facts.conntrack_max = SysNumber("net/netfilter/nf_conntrack_max");
  facts.mtu_probing = SysNumber("net/ipv4/tcp_mtu_probing");
  facts.nonlocal_bind = SysNumber("net/ipv4/ip_nonlocal_bind");
}

}  // namespace

std::string FolderOf(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> NamedFiles(const Config& config) {
  std::vector<std::string> paths = {FolderOf(config.admin.socket)};
  const auto add = [&](const std::string& path) {
    if (!path.empty()) paths.push_back(path);
  };
  add(config.admin.http_token_file);
  if (!config.global.state_file.empty()) add(FolderOf(config.global.state_file));
  if (config.global.log.target.find('/') != std::string::npos) {
    add(FolderOf(config.global.log.target));
  }
  for (const Pool& pool : config.pools) {
    add(pool.probe.ca_file);
    add(pool.probe.crl_file);
    if (!pool.probe.command.empty()) add(pool.probe.command.front());
  }
  return paths;
}

HostFacts GatherHostFacts(const Config& config) {
  HostFacts facts;
  ReadSystem(facts);
  facts.no_route = GatherNoRoutes(config);
  const auto who = WhoRuns(config.global.user);
  if (who && !config.global.user.empty()) {
    facts.users.insert(config.global.user);
    facts.is_user = who->uid == ::geteuid();
  }
  for (const std::string& path : NamedFiles(config)) {
    facts.files[path] = Look(path, who ? *who : *WhoRuns(""));
  }
  return facts;
}

}  // namespace sstplb::config
