// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_check.h"

#include <algorithm>
#include <string>

#include "lb/base/time.h"
#include "lb/config/host_ports.h"
#include "lb/config/names.h"
#include "lb/config/reach.h"

namespace sstplb::config {
namespace {

constexpr std::uint64_t kSmallestPage = 4096;

class HostCheck {
 public:
  HostCheck(const Config& config, const HostFacts& facts) : config_(config), facts_(facts) {}

  Findings Run() {
    User();
    Descriptors();
    Cpus();
    Pipes();
    Files();
    for (const Listener& listener : config_.listeners) ListenerNeeds(listener);
    for (const Pool& pool : config_.pools) PoolNeeds(pool);
    CheckBackendAddresses(out_, config_, facts_);
    Ports();
    Kernel();
    return std::move(out_);
  }

 private:
  void Add(Severity severity, std::string name, std::string key, std::string reason,
           std::string remedy) {
    out_.push_back(
        {severity, std::move(name), std::move(key), std::move(reason), std::move(remedy)});
  }
  void Fail(std::string name, std::string key, std::string reason, std::string remedy) {
    Add(Severity::kError, std::move(name), std::move(key), std::move(reason), std::move(remedy));
  }
  void Warn(std::string name, std::string key, std::string reason, std::string remedy) {
    Add(Severity::kWarning, std::move(name), std::move(key), std::move(reason), std::move(remedy));
  }

  void User() {
    const std::string& user = config_.global.user;
    if (user.empty()) return;
    if (facts_.users.count(user) == 0) {
      Fail("user_missing", "global.user", "there is no user " + user,
           "Create it: useradd --system --no-create-home --shell /usr/sbin/nologin " + user);
    } else if (!facts_.root && !facts_.is_user) {
      Fail("user_not_root", "global.user", "only root can become another user",
           "Start as root, or leave user empty and let the service manager set it");
    }
  }

  void Descriptors() {
    const std::uint64_t sessions = config_.global.max_sessions;
    const std::uint64_t limit = facts_.open_files_hard;
    const std::uint64_t workers =
        config_.global.workers == 0 ? facts_.cpus : config_.global.workers;
    const std::uint64_t reserve = kDescriptorReserve + workers * kDescriptorsPerWorker;
    const std::uint64_t needed = sessions * kDescriptorsPerSession + reserve;
    if (sessions > 0 && needed > limit) {
      Warn("open_files", "global.max_sessions",
           std::to_string(sessions) + " sessions need " + std::to_string(needed) +
               " open files, the limit is " + std::to_string(limit),
           "Raise the limit (LimitNOFILE= in the unit, ulimit -Hn), or lower max_sessions");
    } else if (sessions == 0 && limit < 4 * reserve) {
      Warn("open_files", "global.max_sessions",
           "the limit of " + std::to_string(limit) + " open files leaves room for few sessions",
           "Raise the limit (LimitNOFILE= in the unit, ulimit -Hn)");
    }
    if (facts_.file_max && needed > *facts_.file_max) {
      Warn("file_max_small", "fs.file-max",
           "this daemon alone may need " + std::to_string(needed) + " open files, the whole host " +
               "may have " + std::to_string(*facts_.file_max),
           "sysctl -w fs.file-max=" + std::to_string(2 * needed) + ", or lower max_sessions");
    }
    if (facts_.conntrack_max && sessions * 2 > *facts_.conntrack_max) {
      Warn("conntrack_small", "net.netfilter.nf_conntrack_max",
           std::to_string(sessions) + " sessions are two connections each, the packet filter " +
               "follows " + std::to_string(*facts_.conntrack_max),
           "Raise it above twice max_sessions");
    }
  }

  void Cpus() {
    if (facts_.cpus == 0 || config_.global.workers <= facts_.cpus) return;
    Warn("workers_many", "global.workers",
         std::to_string(config_.global.workers) + " workers share " + std::to_string(facts_.cpus) +
             " CPUs",
         "Use 0: one per CPU");
  }

  void Pipes() {
    const std::uint64_t workers =
        config_.global.workers == 0 ? facts_.cpus : config_.global.workers;
    const std::uint64_t needed = workers * kPipeBytesPerWorker;
    const bool privileged = facts_.root && config_.global.user.empty();
    if (!facts_.pipe_bytes || needed <= *facts_.pipe_bytes || privileged) return;
    Add(Severity::kNote, "pipes_small", "fs.pipe-user-pages-soft",
        "the pipes of " + std::to_string(workers) + " busy workers may hold " + FormatSize(needed) +
            ", a user without privileges gets " + FormatSize(*facts_.pipe_bytes) +
            " before the kernel shrinks them",
        "sysctl -w fs.pipe-user-pages-soft=" + std::to_string(needed / kSmallestPage));
  }

  const FileFact& File(const std::string& path) const {
    static const FileFact kNothing;
    const auto found = facts_.files.find(path);
    return found == facts_.files.end() ? kNothing : found->second;
  }

  std::string As() const {
    return config_.global.user.empty() ? "" : " by user " + config_.global.user;
  }

  void NeedsFolder(const std::string& key, const std::string& path, bool writable_later) {
    const std::string folder = FolderOf(path);
    const FileFact& fact = File(folder);
    if (!fact.exists || !fact.is_folder) {
      Fail("folder_missing", key, "there is no folder " + folder,
           "Create it (RuntimeDirectory= or StateDirectory= in the unit), or use another path");
    } else if (!fact.writable && (writable_later || !facts_.root)) {
      Fail("folder_not_writable", key, folder + " cannot be written to" + As(),
           "Give it to the user that the daemon runs as");
    }
  }

  void NeedsFile(const std::string& key, const std::string& path) {
    if (path.empty()) return;
    const FileFact& fact = File(path);
    if (!fact.exists || fact.is_folder) {
      Fail("file_missing", key, "there is no file " + path, "Create it, or correct the path");
    } else if (!fact.readable) {
      Fail("file_not_readable", key, path + " cannot be read" + As(),
           "Make it readable for the user that the daemon runs as");
    }
  }

  void Files() {
    // Started as root, the daemon makes the folder of the socket itself.
    if (!facts_.root || File(FolderOf(config_.admin.socket)).exists) {
      NeedsFolder("admin.socket", config_.admin.socket, false);
    }
    if (!config_.global.state_file.empty()) {
      NeedsFolder("global.state_file", config_.global.state_file, true);
    }
    if (config_.global.log.target.find('/') != std::string::npos) {
      NeedsFolder("global.log.target", config_.global.log.target, false);
    }
    const std::string& token = config_.admin.http_token_file;
    NeedsFile("admin.http_token_file", token);
    if (!token.empty() && File(token).others_read) {
      Warn("token_readable", "admin.http_token_file",
           "every user of this host can read the token in " + token, "chmod o-r " + token);
    }
  }

  void ListenerNeeds(const Listener& listener) {
    const std::string key = "listener." + KeyText(listener.name);
    for (const SocketAddress& address : listener.bind) Bindable(key + ".bind", address);
    if (facts_.somaxconn && listener.tcp.backlog > *facts_.somaxconn) {
      Warn("backlog_cut", key + ".tcp.backlog",
           "the kernel cuts a backlog of " + std::to_string(listener.tcp.backlog) +
               " to net.core.somaxconn = " + std::to_string(*facts_.somaxconn),
           "sysctl -w net.core.somaxconn=" + std::to_string(listener.tcp.backlog));
    }
    // With cookies a full queue costs a client its options, without them its connection.
    if (facts_.syncookies == 0U && facts_.max_syn_backlog &&
        listener.tcp.backlog > *facts_.max_syn_backlog) {
      Warn("syn_queue_small", key + ".tcp.backlog",
           "more than " + std::to_string(*facts_.max_syn_backlog) +
               " clients that come back at once get no answer: net.ipv4.tcp_max_syn_backlog is " +
               "below the backlog, and net.ipv4.tcp_syncookies is off",
           "sysctl -w net.ipv4.tcp_syncookies=1 net.ipv4.tcp_max_syn_backlog=" +
               std::to_string(listener.tcp.backlog));
    }
    TcpNeeds(key + ".tcp", listener.tcp);
  }

  void Bindable(const std::string& key, const SocketAddress& address) {
    const std::uint64_t first_free = facts_.unprivileged_port_start.value_or(1024);
    if (address.port != 0 && address.port < first_free && !facts_.can_bind_low_ports) {
      Fail("port_privileged", key,
           "port " + std::to_string(address.port) + " needs root or CAP_NET_BIND_SERVICE",
           "Start as root with global.user set, or give the capability (AmbientCapabilities= in "
           "the unit)");
    }
    if (address.ip.is_v6() && !facts_.has_ipv6) {
      Fail("no_ipv6", key, address.ToString() + " cannot be bound: this host has no IPv6",
           "Take it out, or turn IPv6 on");
      return;
    }
    if (!address.ip.is_unspecified()) Local("bind_not_local", key, address.ip);
  }

  void Local(const std::string& name, const std::string& key, const IpAddress& ip) {
    // All of 127.0.0.0/8 is this host.
    const bool loopback = ip.is_v4() && IsLoopback(ip);
    if (loopback || facts_.local_addresses.count(ip) > 0) return;
    if (facts_.nonlocal_bind.value_or(0) != 0) return;
    Fail(name, key, ip.ToString() + " is no address of this host",
         "Correct it, or allow it with sysctl net.ipv4.ip_nonlocal_bind=1 (a floating address)");
  }

  void PoolNeeds(const Pool& pool) {
    const std::string key = "pool." + KeyText(pool.name);
    NeedsFile(key + ".probe.ca_file", pool.probe.ca_file);
    NeedsFile(key + ".probe.crl_file", pool.probe.crl_file);
    Command(key, pool.probe);
    for (const IpAddress& source : pool.source) Local("source_not_local", key + ".source", source);
    if (pool.transparent && !facts_.can_net_admin) {
      Fail("transparent_not_allowed", key + ".source",
           "connecting from a client's address needs CAP_NET_ADMIN",
           "Start as root, or give the capability (AmbientCapabilities= in the unit)");
    }
    TcpNeeds(key + ".tcp", pool.tcp);
  }

  void Command(const std::string& key, const Probe& probe) {
    if (probe.kind != ProbeKind::kExec || probe.command.empty()) return;
    const std::string& program = probe.command.front();
    if (program.find('/') == std::string::npos) return;  // looked for in PATH
    const FileFact& fact = File(program);
    if (fact.exists && !fact.is_folder && fact.executable) return;
    Fail("command_not_executable", key + ".probe.command", program + " cannot be run" + As(),
         "Correct the path, or make the file executable");
  }

  void Ports() {
    if (!facts_.first_local_port || !facts_.last_local_port) return;
    const std::uint64_t first = *facts_.first_local_port;
    const std::uint64_t last = *facts_.last_local_port;
    if (last < first) return;
    const std::uint64_t range = UnreservedPorts(first, last, facts_.reserved_ports);
    const std::uint64_t reserved = last - first + 1 - range;
    const std::string less = reserved == 0
                                 ? ""
                                 : " (" + std::to_string(reserved) +
                                       " of each address are in net.ipv4.ip_local_reserved_ports)";
    for (const PortNeed& need : PortNeeds(config_, range)) {
      if (need.wanted <= need.ports) continue;
      Warn("local_ports", need.key,
           "up to " + std::to_string(need.wanted) + " sessions are meant for it" +
               (need.one_down ? " once another backend is down" : "") + ", but there are " +
               std::to_string(need.ports) + " local ports to connect to it from" + less,
           "Widen net.ipv4.ip_local_port_range, or list more addresses in " + need.source);
    }
  }

  void TcpNeeds(const std::string& key, const Tcp& tcp) {
    if (!tcp.congestion.empty() && facts_.congestion_algorithms.count(tcp.congestion) == 0) {
      Warn("congestion_missing", key + ".congestion", "the kernel does not offer " + tcp.congestion,
           "modprobe tcp_" + tcp.congestion +
               ", and add it to net.ipv4.tcp_allowed_congestion_control");
    }
    BufferFits(key + ".rcvbuf", tcp.rcvbuf, "net.core.rmem_max", facts_.rmem_max);
    BufferFits(key + ".sndbuf", tcp.sndbuf, "net.core.wmem_max", facts_.wmem_max);
  }

  void BufferFits(const std::string& key, std::uint64_t wanted, const std::string& sysctl,
                  const std::optional<std::uint64_t>& limit) {
    if (!limit || wanted <= *limit) return;
    Warn("buffer_cut", key, "the kernel cuts it to " + sysctl + " = " + std::to_string(*limit),
         "sysctl -w " + sysctl + "=" + std::to_string(wanted));
  }

  void Kernel() {
    if (!facts_.mtu_probing || *facts_.mtu_probing != 0) return;
    Add(Severity::kNote, "mtu_probing_off", "net.ipv4.tcp_mtu_probing",
        "a path that drops large packets in silence makes tunnels stand still once they carry data",
        "sysctl -w net.ipv4.tcp_mtu_probing=1");
  }

  const Config& config_;
  const HostFacts& facts_;
  Findings out_;
};

}  // namespace

Findings CheckHost(const Config& config, const HostFacts& facts) {
  return HostCheck(config, facts).Run();
}

}  // namespace sstplb::config
