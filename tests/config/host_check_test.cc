// Host check: each finding for its cause, on hosts that are made up.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lb/config/finding_list.h"
#include "lb/config/host_ports.h"
#include "lb/config/read.h"

namespace sstplb::config {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr std::string_view kConfig = R"(
[global]
user = "sstplb"
state_file = "/var/lib/sstplb/state"
max_sessions = 20000
workers = 2
log.target = "/var/log/sstplb/log"
[admin]
http_token_file = "/etc/sstplb/token"
[listener.vpn]
bind = ["192.0.2.10:443", "[::]:443"]
pool = "main"
tcp = { congestion = "bbr", rcvbuf = "1MiB" }
[pool.main]
source = ["10.0.0.5"]
[pool.main.probe]
kind = "exec"
command = ["/usr/local/bin/check"]
ca_file = "/etc/sstplb/ca.pem"
[[pool.main.backend]]
name = "vpn1"
address = "10.0.0.11:443"
)";

Config GoodConfig() { return *ReadText(kConfig, "t.toml").operator->(); }

// A host that has all that the configuration needs.
HostFacts GoodHost() {
  FileFact folder;
  folder.exists = folder.is_folder = folder.readable = folder.writable = folder.executable = true;
  FileFact file;
  file.exists = file.readable = true;
  FileFact program = file;
  program.executable = true;
  HostFacts facts;
  facts.open_files_hard = 100000;
  facts.cpus = 2;
  facts.root = facts.can_bind_low_ports = facts.can_net_admin = facts.has_ipv6 = true;
  facts.local_addresses = {*IpAddress::Parse("192.0.2.10"), *IpAddress::Parse("10.0.0.5"),
                           *IpAddress::Parse("2001:db8::5")};
  facts.users = {"sstplb"};
  facts.files = {{"/run/sstplb", folder},      {"/var/lib/sstplb", folder},
                 {"/var/log/sstplb", folder},  {"/etc/sstplb/token", file},
                 {"/etc/sstplb/ca.pem", file}, {"/usr/local/bin/check", program}};
  facts.congestion_algorithms = {"cubic", "bbr"};
  facts.somaxconn = 4096;
  facts.max_syn_backlog = 1024;
  facts.syncookies = 1;
  facts.unprivileged_port_start = 1024;
  facts.first_local_port = 32768;
  facts.last_local_port = 60999;
  facts.rmem_max = 4 << 20;
  facts.wmem_max = 4 << 20;
  facts.file_max = 1000000;
  facts.pipe_bytes = 64 << 20;
  facts.conntrack_max = 262144;
  facts.mtu_probing = 1;
  facts.nonlocal_bind = 0;
  return facts;
}

std::vector<std::string> Names(const Config& config, const HostFacts& facts) {
  std::vector<std::string> names;
  for (const Finding& finding : CheckHost(config, facts)) {
    constexpr const char* kSigns[] = {"note ", "", "error "};
    names.push_back(kSigns[static_cast<int>(finding.severity)] + finding.name);
    EXPECT_FALSE(finding.reason.empty() || finding.remedy.empty()) << finding.name;
    const FindingInfo* info = FindFindingInfo(finding.name);
    EXPECT_NE(info, nullptr) << finding.name;
    if (info == nullptr) continue;
    EXPECT_EQ(info->source == FindingSource::kHostError, finding.severity == Severity::kError)
        << finding.name;
  }
  return names;
}

TEST(HostCheck, AFittingHostHasNoFinding) {
  EXPECT_THAT(Names(GoodConfig(), GoodHost()), IsEmpty());
}

TEST(HostCheck, AHostWhoseSysctlsCannotBeReadHasNoFindingAboutThem) {
  HostFacts facts = GoodHost();
  facts.somaxconn.reset();
  facts.max_syn_backlog.reset();
  facts.syncookies.reset();
  facts.unprivileged_port_start.reset();
  facts.first_local_port.reset();
  facts.last_local_port.reset();
  facts.rmem_max.reset();
  facts.wmem_max.reset();
  facts.file_max.reset();
  facts.pipe_bytes.reset();
  facts.conntrack_max.reset();
  facts.mtu_probing.reset();
  facts.nonlocal_bind.reset();
  EXPECT_THAT(Names(GoodConfig(), facts), IsEmpty());
}

TEST(HostCheck, WhatTheHostLacks) {
  struct Case {
    std::function<void(HostFacts&)> change;
    std::vector<std::string> names;
  };
  const std::vector<Case> cases = {
      {[](HostFacts& f) { f.users.clear(); }, {"error user_missing"}},
      {[](HostFacts& f) { f.root = false; }, {"error user_not_root"}},
      {[](HostFacts& f) {
         f.root = false;
         f.is_user = true;
       },
       {}},
      {[](HostFacts& f) { f.open_files_hard = 40447; }, {"open_files"}},
      {[](HostFacts& f) { f.open_files_hard = 40448; }, {}},
      {[](HostFacts& f) { f.file_max = 40447; }, {"file_max_small"}},
      {[](HostFacts& f) { f.conntrack_max = 39999; }, {"conntrack_small"}},
      {[](HostFacts& f) { f.cpus = 1; }, {"workers_many"}},
      // Root makes the folder of the socket.
      {[](HostFacts& f) { f.files.erase("/run/sstplb"); }, {}},
      {[](HostFacts& f) {
         f.root = false;
         f.is_user = true;
         f.files.erase("/run/sstplb");
       },
       {"error folder_missing"}},
      {[](HostFacts& f) { f.files["/var/lib/sstplb"].writable = false; },
       {"error folder_not_writable"}},
      {[](HostFacts& f) { f.files["/var/lib/sstplb"].is_folder = false; },
       {"error folder_missing"}},
      {[](HostFacts& f) { f.files.erase("/var/log/sstplb"); }, {"error folder_missing"}},
      // The socket is made and the log opened before privileges are dropped.
      {[](HostFacts& f) { f.files["/run/sstplb"].writable = false; }, {}},
      {[](HostFacts& f) { f.files.erase("/etc/sstplb/token"); }, {"error file_missing"}},
      {[](HostFacts& f) { f.files["/etc/sstplb/token"].readable = false; },
       {"error file_not_readable"}},
      {[](HostFacts& f) { f.files["/etc/sstplb/token"].others_read = true; }, {"token_readable"}},
      {[](HostFacts& f) { f.files["/etc/sstplb/ca.pem"].is_folder = true; },
       {"error file_missing"}},
      {[](HostFacts& f) { f.files["/usr/local/bin/check"].executable = false; },
       {"error command_not_executable"}},
      {[](HostFacts& f) { f.can_bind_low_ports = false; },
       {"error port_privileged", "error port_privileged"}},
      {[](HostFacts& f) {
         f.can_bind_low_ports = false;
         f.unprivileged_port_start = 80;
       },
       {}},
      {[](HostFacts& f) { f.has_ipv6 = false; }, {"error no_ipv6"}},
      {[](HostFacts& f) { f.local_addresses.erase(*IpAddress::Parse("192.0.2.10")); },
       {"error bind_not_local"}},
      {[](HostFacts& f) { f.local_addresses.erase(*IpAddress::Parse("10.0.0.5")); },
       {"error source_not_local"}},
      {[](HostFacts& f) {
         f.local_addresses.clear();
         f.nonlocal_bind = 1;
       },
       {}},
      {[](HostFacts& f) { f.somaxconn = 4095; }, {"backlog_cut"}},
      {[](HostFacts& f) { f.pipe_bytes = (64 << 20) - 1; }, {"note pipes_small"}},
      {[](HostFacts& f) { f.syncookies = 0; }, {"syn_queue_small"}},
      {[](HostFacts& f) {
         f.syncookies = 0;
         f.max_syn_backlog = 4096;
       },
       {}},
      {[](HostFacts& f) { f.congestion_algorithms.erase("bbr"); }, {"congestion_missing"}},
      {[](HostFacts& f) { f.rmem_max = 212992; }, {"buffer_cut"}},
      {[](HostFacts& f) { f.last_local_port = 32768 + 19999; }, {}},
      {[](HostFacts& f) { f.last_local_port = 32768 + 19998; }, {"local_ports"}},
      {[](HostFacts& f) { f.last_local_port = 1; }, {}},
      {[](HostFacts& f) {
         f.last_local_port = 32768 + 20000;
         f.reserved_ports = "8080,32768,61000-65000";
       },
       {}},
      {[](HostFacts& f) {
         f.last_local_port = 32768 + 20000;
         f.reserved_ports = "8080,32768-32769";
       },
       {"local_ports"}},
      {[](HostFacts& f) { f.mtu_probing = 0; }, {"note mtu_probing_off"}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    HostFacts facts = GoodHost();
    cases[i].change(facts);
    EXPECT_THAT(Names(GoodConfig(), facts), ElementsAreArray(cases[i].names)) << "case " << i;
  }
}

TEST(HostCheck, WhatTheConfigurationAsks) {
  struct Case {
    std::function<void(Config&)> change;
    std::vector<std::string> names;
  };
  const std::vector<Case> cases = {
      {[](Config& c) { c.pools[0].backends[0].max_sessions = 28232; }, {}},
      {[](Config& c) { c.pools[0].backends[0].max_sessions = 28233; }, {"local_ports"}},
      {[](Config& c) {
         c.pools[0].backends[0].max_sessions = 28233;
         c.pools[0].source.push_back(*IpAddress::Parse("127.0.0.9"));
       },
       {}},
      {[](Config& c) {
         c.pools[0].backends[0].max_sessions = 60000;
         c.pools[0].source.clear();
         c.pools[0].transparent = true;
       },
       {}},
      // Sources of the other family lend no ports, and two pools share those to one server.
      {[](Config& c) {
         c.pools[0].backends[0].max_sessions = 28233;
         c.pools[0].source.push_back(*IpAddress::Parse("2001:db8::5"));
       },
       {"local_ports"}},
      {[](Config& c) {
         c.pools[0].backends[0].max_sessions = 20000;
         c.pools.push_back(c.pools[0]);
         c.pools.back().name = "lab";
       },
       {"local_ports"}},
      {[](Config& c) {
         c.pools[0].backends[0].max_sessions = 20000;
         c.pools.push_back(c.pools[0]);
         c.pools.back().name = "lab";
         c.pools.back().source = {*IpAddress::Parse("127.0.0.9")};
       },
       {}},
      {[](Config& c) {
         c.pools.push_back(c.pools[0]);
         c.pools.back().name = "lab";
       },
       {}},
      {[](Config& c) { c.pools[0].backends.clear(); }, {}},
      {[](Config& c) { c.listeners[0].bind = {*SocketAddress::Parse("127.9.9.9:0")}; }, {}},
      {[](Config& c) { c.pools[0].probe.command = {"check"}; }, {}},
      {[](Config& c) { c.global.max_sessions = 0; }, {}},
      {[](Config& c) { c.global.workers = 3; }, {"workers_many", "note pipes_small"}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Config config = GoodConfig();
    cases[i].change(config);
    EXPECT_THAT(Names(config, GoodHost()), ElementsAreArray(cases[i].names)) << "case " << i;
  }
}

TEST(HostCheck, WhereBackendsStand) {
  struct Case {
    const char* address;
    std::vector<std::string> names;
  };
  const std::vector<Case> cases = {
      // A listener waits on [::]:443 and on 192.0.2.10:443 only.
      {"[2001:db8::5]:443", {"backend_is_listener"}},
      {"[2001:db8::5]:444", {}},
      {"10.0.0.5:443", {}},
      {"10.0.0.99:443", {"backend_unreachable"}},
      {"vpn.example.com:443", {}},
      // What the file tells is not told twice.
      {"192.0.2.10:443", {}},
      {"[::1]:443", {}},
      {"224.0.0.1:443", {}},
  };
  for (const Case& c : cases) {
    Config config = GoodConfig();
    config.pools[0].source.clear();
    config.pools[0].backends[0].address = *HostPort::Parse(c.address);
    HostFacts facts = GoodHost();
    facts.no_route[{"main", *IpAddress::Parse("10.0.0.99")}].error = "Network is unreachable";
    facts.no_route[{"lab", *IpAddress::Parse("10.0.0.5")}].error = "Network is unreachable";
    EXPECT_THAT(Names(config, facts), ElementsAreArray(c.names)) << c.address;
  }
  Config config = GoodConfig();
  config.listeners[0].bind = {*SocketAddress::Parse("0.0.0.0:443")};
  config.pools[0].backends[0].address = *HostPort::Parse("10.0.0.5:443");
  EXPECT_THAT(Names(config, GoodHost()), ElementsAreArray({"backend_is_listener"}));
  config.pools[0].backends[0].address = *HostPort::Parse("[2001:db8::9]:443");
  HostFacts facts = GoodHost();
  facts.has_ipv6 = false;
  EXPECT_THAT(Names(config, facts), ElementsAreArray({"backend_unreachable"}));
}

TEST(HostCheck, NoWayIsToldWithItsSource) {
  HostFacts facts = GoodHost();
  facts.no_route[{"main", *IpAddress::Parse("10.0.0.11")}] = {"Network is unreachable",
                                                              *IpAddress::Parse("10.0.0.5")};
  EXPECT_EQ(CheckHost(GoodConfig(), facts).at(0).Text(),
            "pool.main.backend.vpn1: [backend_unreachable] this host has no way to 10.0.0.11 from "
            "10.0.0.5: Network is unreachable. Correct the address, or the routes of this host (ip "
            "route get 10.0.0.11 from 10.0.0.5).");
}

TEST(HostCheck, PortsMustDoWithOneBackendDown) {
  Config config = GoodConfig();  // 28232 ports of one source
  Pool& pool = config.pools[0];
  for (int i = 2; i <= 3; ++i) {
    Backend& backend = pool.backends.emplace_back(pool.backends[0]);
    backend.name = "vpn" + std::to_string(i);
    backend.address.host = "10.0.0.1" + std::to_string(i);
  }
  HostFacts facts = GoodHost();
  facts.open_files_hard = 1000000;
  config.global.max_sessions = 2 * 28232;
  EXPECT_THAT(Names(config, facts), IsEmpty());
  config.global.max_sessions += 1;
  const Findings findings = CheckHost(config, facts);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].reason,
            "up to 28233 sessions are meant for it once another backend is down, but there are "
            "28232 local ports to connect to it from");
  facts.reserved_ports = "50000-50009";
  EXPECT_THAT(CheckHost(config, facts).at(0).reason,
              testing::EndsWith("(10 of each address are in net.ipv4.ip_local_reserved_ports)"));
}

TEST(HostPorts, ReservedOnesAreNotCounted) {
  EXPECT_EQ(UnreservedPorts(100, 199, ""), 100u);
  EXPECT_EQ(UnreservedPorts(100, 199, "99,200,300-400"), 100u);
  EXPECT_EQ(UnreservedPorts(100, 199, "100,199"), 98u);
  EXPECT_EQ(UnreservedPorts(100, 199, "90-109,150,190-300"), 79u);
  EXPECT_EQ(UnreservedPorts(100, 199, "1-65535"), 0u);
  EXPECT_EQ(UnreservedPorts(100, 199, "110-119,115-124"), 85u);
  EXPECT_EQ(UnreservedPorts(100, 199, "110-"), 100u);
  EXPECT_EQ(UnreservedPorts(199, 100, ""), 0u);
}

TEST(HostCheck, WithoutRootAndUserTheProcessItselfMustBeAble) {
  Config config = GoodConfig();
  config.global.user.clear();
  config.listeners[0].bind = {*SocketAddress::Parse("192.0.2.10:8443")};
  config.pools[0].source.clear();
  config.pools[0].transparent = true;
  HostFacts facts = GoodHost();
  facts.root = facts.can_bind_low_ports = facts.can_net_admin = false;
  facts.files["/run/sstplb"].writable = false;
  facts.open_files_hard = 100;
  config.global.max_sessions = 0;
  EXPECT_THAT(Names(config, facts), ElementsAreArray({"open_files", "error folder_not_writable",
                                                      "error transparent_not_allowed"}));
}

}  // namespace
}  // namespace sstplb::config
