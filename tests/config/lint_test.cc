// Lint: each warning appears for its cause, and alone.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lb/config/finding_list.h"
#include "lb/config/read.h"

namespace sstplb::config {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

// A configuration that nothing is wrong with, with places to add lines.
std::string Text(const std::string& listener, const std::string& pool, const std::string& rest) {
  return "[listener.vpn]\nbind = [\"0.0.0.0:443\", \"[::]:443\"]\npool = \"main\"\n" + listener +
         "\n[pool.main]\n" + pool +
         "\n[[pool.main.backend]]\nname = \"vpn1\"\naddress = \"10.0.0.11:443\"\n"
         "[[pool.main.backend]]\nname = \"vpn2\"\naddress = \"10.0.0.12:443\"\n" +
         rest;
}

std::vector<std::string> Names(const std::string& text) {
  const auto config = ReadText(text, "t.toml");
  EXPECT_TRUE(config) << (config ? "" : config.error().front().ToString()) << "\n" << text;
  std::vector<std::string> names;
  if (!config) return names;
  for (const Finding& finding : Lint(*config)) {
    names.push_back(finding.name);
    EXPECT_NE(FindFindingInfo(finding.name), nullptr) << finding.name;
    EXPECT_FALSE(finding.reason.empty() || finding.remedy.empty()) << finding.name;
    EXPECT_FALSE(finding.reason.ends_with(".") || finding.remedy.ends_with(".")) << finding.name;
  }
  return names;
}

TEST(Lint, AnOrdinaryConfigurationHasNoWarning) { EXPECT_THAT(Names(Text("", "", "")), IsEmpty()); }

struct Case {
  std::string listener;
  std::string pool;
  std::string rest;
  std::vector<std::string> names;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_THAT(Names(Text(c.listener, c.pool, c.rest)), ElementsAreArray(c.names))
        << c.listener << c.pool << c.rest;
  }
}

TEST(Lint, ListenersAndAdmin) {
  Check({
      {"idle_timeout = \"74s\"", "", "", {"idle_timeout_short"}},
      {"idle_timeout = \"75s\"", "", "", {}},
      {"idle_timeout = \"151s\"", "", "", {"idle_timeout_late"}},
      {"idle_timeout = \"1h\"\nrhythm = \"0s\"", "", "", {}},
      {"rhythm = \"30s\"", "", "", {}},
      {"rhythm = \"29s\"", "", "", {"rhythm_short"}},
      {"no_sni = \"refuse\"", "", "", {"no_sni_refused"}},
      {"not_tls = \"pool\"", "", "", {"not_tls_passed"}},
      {"accept_proxy = [\"10.0.0.0/8\"]", "", "", {}},
      {"accept_proxy = [\"10.0.0.0/8\", \"::/0\"]", "", "", {"accept_proxy_from_all"}},
      {"tcp = { nodelay = false }", "", "", {"nodelay_off"}},
      {"", "", "[admin]\nhttp = \"0.0.0.0:9180\"", {"admin_http_public"}},
      {"", "", "[admin]\nhttp = \"[::1]:9180\"", {}},
      {"", "", "[admin]\nhttp = \"\"", {}},
      {"", "", "[admin]\nsocket_mode = \"0666\"", {"admin_socket_public"}},
  });
}

TEST(Lint, Pools) {
  const std::string backend = "[[pool.main.backend]]\nname = \"x\"\naddress = ";
  const std::string route = "[[listener.vpn.route]]\nsni = [\"s.example.com\"]\npool = \"spare\"\n";
  const std::string spare = "[[pool.spare.backend]]\nname = \"s1\"\naddress = \"10.0.0.21:443\"\n";
  Check({
      {"", "", "[pool.spare]", {"unreachable_pool", "empty_pool"}},
      {"", "", route + "[pool.spare]", {"empty_pool"}},
      {"", "", route + spare, {"single_backend"}},
      {"", "", route + spare + "admin = \"disabled\"", {"single_backend", "no_active_backend"}},
      {"", "", route + spare + "weight = 0", {"single_backend", "no_active_backend"}},
      {"", "", backend + "\"10.0.0.11:443\"", {"address_twice"}},
      {"", "", backend + "\"10.0.0.11:444\"", {}},
      {"", "", backend + "\"127.0.0.1:443\"", {"backend_is_listener"}},
      {"", "", backend + "\"[::1]:443\"", {"backend_is_listener"}},
      {"", "", backend + "\"127.0.0.1:444\"", {}},
      {"", "", backend + "\"0.0.0.0:443\"", {"backend_unreachable"}},
      {"", "", backend + "\"[::]:444\"", {"backend_unreachable"}},
      {"", "", backend + "\"224.0.0.1:443\"", {"backend_unreachable"}},
      {"", "", backend + "\"[ff02::1]:443\"", {"backend_unreachable"}},
      {"", "", backend + "\"255.255.255.255:443\"", {"backend_unreachable"}},
      {"", "", backend + "\"[fe80::1]:443\"", {"backend_unreachable"}},
      {"", "", backend + "\"169.254.0.1:443\"", {}},
      {"", "", backend + "\"223.255.255.255:443\"", {}},
      {"", "source = [\"10.0.0.5\"]", "", {}},
      {"", "source = [\"2001:db8::5\"]", "", {"source_family", "source_family"}},
      {"", "tcp = { nodelay = false }", "", {"nodelay_off"}},
      {"", "rebalance = { window = \"02:00-05:00\" }", "", {"no_effect"}},
      {"", "rebalance = { window = \"02:00-05:00\", budget = \"60/h\" }", "", {}},
      {"", "ejection = { max_time = \"20s\" }", "", {"ejection_times"}},
      {"", "ejection = { max_share = 0.4 }", "", {"ejection_never"}},
      {"", "ejection = { max_share = 0.4, enabled = false }", "", {}},
  });
}

TEST(Lint, Routes) {
  const auto route = [](const std::string& match) {
    return "[[listener.vpn.route]]\n" + match + "\npool = \"main\"\n";
  };
  const std::string plain = route("sni = [\"a.example.com\"]");
  const std::string with_alpn = route("sni = [\"a.example.com\"]\nalpn = [\"h2\"]");
  const std::string other = route("sni = [\"b.example.com\"]\nalpn = [\"h2\"]");
  const std::string nameless = route("alpn = [\"h2\"]");
  Check({
      {"", "", with_alpn + plain, {}},
      {"", "", plain + with_alpn, {"route_shadowed"}},
      {"", "", plain + other + nameless, {}},
  });
}

TEST(Lint, KeysWithoutEffect) {
  Check({
      {"", "hash_key = \"source-and-sni\"", "", {}},
      {"", "balance = \"round-robin\"\nhash_key = \"source-and-sni\"", "", {"no_effect"}},
      {"", "balance = \"source-ip\"\nsource_ip_ttl = \"1h\"", "", {}},
      {"", "source_ip_ttl = \"1h\"", "", {"no_effect"}},
      {"", "balance = \"least-sessions\"\nmax_load = 2", "", {"no_effect"}},
      {"", "queue_timeout = \"5s\"", "", {"no_effect"}},
      {"", "queue_timeout = \"5s\"\nmax_pending_per_backend = 9", "", {}},
      {"",
       "queue_timeout = \"1m\"\nsession_rate_per_backend = \"9/s\"",
       "",
       {"queue_timeout_long"}},
      {"", "handshake_timeout = \"0s\"", "", {}},
      {"", "handshake_timeout = \"0s\"\nmax_pending_per_backend = 9", "", {"handshake_unbounded"}},
      {"", "handshake_timeout = \"0s\"\nsession_rate_per_backend = \"9/s\"", "", {}},
      {"", "on_overload = \"reset\"\nmax_queued_per_backend = 9", "", {"no_effect", "no_effect"}},
      {"", "proxy_tlvs = []", "", {"no_effect"}},
      {"", "proxy_protocol = \"v2\"\nproxy_tlvs = []", "", {}},
      {"", "probe = { command = [\"x\"] }", "", {"no_effect"}},
      {"", "probe = { kind = \"tls\", path = \"/x\" }", "", {"no_effect", "probe_shallow"}},
      {"", "probe = { kind = \"http\", path = \"/x\" }", "", {}},
      {"", "probe = { ca_file = \"/x\", crl_file = \"/y\" }", "", {}},
      {"", "probe = { kind = \"tcp\", ca_file = \"/x\" }", "", {"no_effect", "probe_shallow"}},
      {"", "probe = { kind = \"tcp\", crl_file = \"/y\" }", "", {"no_effect", "probe_shallow"}},
      {"", "probe = { ca_file = \"/x\", verify = \"chain\" }", "", {}},
      {"", "probe = { kind = \"tcp\", verify = \"chain\" }", "", {"no_effect", "probe_shallow"}},
  });
}

TEST(Lint, ACallIsFineWhereItIsKnownWhoIsFull) {
  const std::string capped =
      "[[pool.spare.backend]]\nname = \"vpn1\"\naddress = \"10.0.1.11:443\"\nmax_sessions = 9\n"
      "[[pool.spare.backend]]\nname = \"vpn2\"\naddress = \"10.0.1.12:443\"\nmax_sessions = 9\n"
      "[pool.spare.probe]\ndepth = \"call\"\nserver = \"accel-ppp\"\n"
      "[[listener.vpn.route]]\nsni = [\"a.example.com\"]\npool = \"spare\"\n";
  EXPECT_THAT(Names(Text("", "", capped)), IsEmpty());
}

TEST(Lint, ProbesAndProxyHeaders) {
  Check({
      {"", "probe.kind = \"none\"", "", {"probe_none"}},
      {"", "probe.kind = \"tcp\"", "", {"probe_shallow"}},
      {"", "probe = { depth = \"call\" }", "", {}},
      {"", "probe = { depth = \"call\", server = \"sstp-server\" }", "", {"probe_call_costs"}},
      {"", "probe = { depth = \"call\", server = \"rras\" }", "", {"probe_call_costs"}},
      {"", "probe = { depth = \"call\", server = \"accel-ppp\" }", "", {"probe_call_costs"}},
      {"",
       "probe = { depth = \"call\", server = \"rras\" }",
       "max_sessions = 100",  // of one of them
       {"probe_call_costs"}},
      {"", "probe = { depth = \"call\", server = \"softether\" }", "", {}},
      {"", "probe.timeout = \"6s\"", "", {"probe_timeout_long"}},
      {"", "probe = { interval = \"900ms\", timeout = \"800ms\" }", "", {"probe_interval_short"}},
      {"", "probe.budget = \"20/m burst 10\"", "", {}},
      {"", "probe.budget = \"10/m\"", "", {"probe_budget_low"}},
      {"", "probe.proxy_protocol = \"none\"", "", {}},
      {"", "probe.proxy_protocol = \"v2\"", "", {"probe_proxy_differs"}},
      {"", "proxy_protocol = \"v2\"", "", {}},
      {"", "proxy_protocol = \"v2\"\nprobe.server = \"accel-ppp\"", "", {}},
      {"", "proxy_protocol = \"v1\"\nprobe.server = \"rras\"", "", {"proxy_protocol_unreadable"}},
      {"",
       "proxy_protocol = \"v2\"\nprobe.server = \"softether\"",
       "",
       {"proxy_protocol_unreadable"}},
      {"",
       "proxy_protocol = \"v2\"\nprobe.server = \"sstp-server\"",
       "",
       {"proxy_protocol_unreadable"}},
      {"", "probe.verify = \"name\"", "", {"probe_name_unknown"}},
      {"", "probe = { verify = \"name\", sni = \"vpn.example.com\" }", "", {}},
      {"",
       "probe.verify = \"name\"",
       "[[listener.vpn.route]]\nsni = [\"vpn.example.com\"]\npool = \"main\"",
       {}},
  });
}

TEST(Lint, OneServerInTwoPools) {
  const std::string route = "[[listener.vpn.route]]\nsni = [\"l.example.com\"]\npool = \"lab\"\n";
  const auto lab = [&](const std::string& pool, const std::string& backend) {
    return route + "[pool.lab]\n" + pool +
           "\n[[pool.lab.backend]]\nname = \"l1\"\naddress = \"10.0.0.11:443\"\n" + backend +
           "\n[[pool.lab.backend]]\nname = \"l2\"\naddress = \"10.0.0.22:443\"\n";
  };
  Check({
      {"", "", lab("", ""), {}},
      {"", "", lab("", "weight = 10"), {}},
      {"", "", lab("", "max_sessions = 10"), {"address_differs"}},
      {"", "", lab("", "admin = \"draining\""), {"address_differs"}},
      {"", "", lab("proxy_protocol = \"v2\"", ""), {"address_differs"}},
      {"", "proxy_protocol = \"v2\"", lab("proxy_protocol = \"v2\"", ""), {}},
      {"", "", lab("probe.server = \"mikrotik\"", ""), {"address_differs"}},
  });
  const auto config = ReadText(Text("", "", lab("", "max_sessions = 10")), "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(Lint(*config).front().key, "pool.lab.backend.l1");
  EXPECT_EQ(Lint(*config).front().reason,
            "it is the same server as pool.main.backend.vpn1, but max_sessions is 0 there and 10 "
            "here");
}

TEST(Lint, HowSessionsLeave) {
  Check({
      {"", "on_down = \"drain\"", "", {"drain_open_ended"}},
      {"", "on_down = \"drain\"\ndrain.pace = \"20/s\"", "", {}},
      {"", "on_down = \"drain\"\ndrain.within = \"10m\"", "", {}},
      {"", "on_down = \"close\"", "", {}},
      {"", "on_down = \"close\"\nprobe.fall = 1", "", {"on_down_hasty"}},
      {"", "on_down = \"close\"\nprobe.kind = \"tcp\"", "", {"probe_shallow", "on_down_hasty"}},
      {"",
       "on_down = \"close\"\nprobe = { kind = \"exec\", command = [\"x\"] }",
       "",
       {"on_down_hasty"}},
      {"", "on_down = \"close\"\nprobe.kind = \"none\"", "", {"no_effect", "probe_none"}},
      {"", "probe.fall = 1", "", {}},
  });
}

TEST(Lint, AFindingIsOneLine) {
  const auto config = ReadText(Text("idle_timeout = \"30s\"", "", ""), "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(Lint(*config).front().ToString(),
            "warning: listener.vpn.idle_timeout: [idle_timeout_short] a healthy SSTP tunnel may be "
            "silent for 60s, so that 30s kills healthy tunnels. Use at least 2m; 15m is the "
            "default.");
}

}  // namespace
}  // namespace sstplb::config
