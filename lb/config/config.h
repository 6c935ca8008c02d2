// Config: a whole configuration as plain values, with the defaults that are right for SSTP.
//
// The words are those of docs/configuration.md; a field is named as its key. Values are only
// checked by the reader (read.h): code that gets a Config may rely on names being unique,
// references resolving and numbers being in range.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/log.h"
#include "lb/base/time.h"
#include "lb/config/day_window.h"

namespace sstplb::config {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Socket options of one leg. 0 and "" leave the kernel's own choice.
struct Tcp {
  bool nodelay = true;
  Duration keepalive = seconds(60);     // idle time before the first keepalive probe; 0: off
  Duration user_timeout = seconds(90);  // TCP_USER_TIMEOUT; 0: off
  std::string congestion;
  std::uint32_t mss = 0;
  std::uint64_t notsent_lowat = 128 * 1024;
  std::uint64_t rcvbuf = 0;
  std::uint64_t sndbuf = 0;
  bool defer_accept = true;      // listener only
  std::uint32_t backlog = 4096;  // listener only

  bool operator==(const Tcp&) const = default;
};

// "20/s burst 50": a token bucket.
struct Rate {
  double per_second = 0;
  double burst = 0;

  bool operator==(const Rate&) const = default;
};

enum class PoolOrRefuse : std::uint8_t { kPool, kRefuse };

struct Route {
  std::vector<std::string> sni;   // exact names and one-label wildcards, lower case; empty: any
  std::vector<std::string> alpn;  // any of; empty: any or none
  std::string pool;

  bool operator==(const Route&) const = default;
};

struct Listener {
  std::string name;
  std::vector<SocketAddress> bind;
  std::string pool;
  PoolOrRefuse no_sni = PoolOrRefuse::kPool;
  PoolOrRefuse unknown_sni = PoolOrRefuse::kPool;
  PoolOrRefuse not_tls = PoolOrRefuse::kRefuse;
  std::vector<Cidr> accept_proxy;
  Duration hello_timeout = seconds(5);
  std::uint64_t hello_max = 64 * 1024;
  std::vector<Cidr> allow;
  std::vector<Cidr> deny;
  std::uint32_t max_sessions_per_source = 0;
  std::optional<Rate> session_rate_per_source;
  std::optional<Rate> session_rate;
  Duration idle_timeout = minutes(15);
  Duration rhythm = seconds(60);  // how often both sides of a tunnel speak at least; 0: unknown
  Tcp tcp;
  std::vector<Route> routes;

  bool operator==(const Listener&) const = default;
};

enum class Balance : std::uint8_t { kConsistentHash, kSourceIp, kLeastSessions, kRoundRobin };
enum class HashKey : std::uint8_t { kSource, kSourceAndSni };
enum class ProxyProtocol : std::uint8_t { kNone, kV1, kV2 };
enum class ProxyTlv : std::uint8_t { kAuthority, kAlpn, kUniqueId, kCrc32c };
enum class OnDown : std::uint8_t { kKeep, kDrain, kClose };
enum class OnOverload : std::uint8_t { kAlert, kReset };
enum class AdminState : std::uint8_t { kActive, kDraining, kDisabled };

enum class ProbeKind : std::uint8_t { kNone, kTcp, kTls, kSstp, kHttp, kExec };
enum class ServerKind : std::uint8_t {
  kAuto,
  kRras,
  kSoftEther,
  kAccelPpp,
  kSstpServer,
  kMikrotik
};
enum class ProbeDepth : std::uint8_t { kPost, kCall };
enum class Verify : std::uint8_t { kNone, kChain, kName };
enum class ProbeProxyProtocol : std::uint8_t { kSame, kNone, kV1, kV2 };

struct Probe {
  ProbeKind kind = ProbeKind::kSstp;
  ServerKind server = ServerKind::kAuto;
  ProbeDepth depth = ProbeDepth::kPost;
  std::string sni;  // "": the first exact name of the routes that lead here
  Verify verify = Verify::kNone;
  std::string ca_file;   // "": the system's
  std::string crl_file;  // "": none
  std::string path;      // "": the kind's own
  std::vector<std::string> command;
  Duration interval = seconds(5);
  Duration fast_interval = seconds(1);
  std::optional<Rate> budget;  // of all probes to one address; absent: twice what intervals ask
  Duration timeout = seconds(3);
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;
  ProbeProxyProtocol proxy_protocol = ProbeProxyProtocol::kSame;
  Duration certificate_warn = hours(21 * 24);

  bool operator==(const Probe&) const = default;
};

struct Backend {
  std::string name;
  HostPort address;
  std::uint32_t weight = 100;      // 0: gets no new sessions by hashing
  std::uint32_t max_sessions = 0;  // 0: no cap
  AdminState admin = AdminState::kActive;

  bool operator==(const Backend&) const = default;
};

// How sessions are closed of a backend that was removed, or went down with on_down = "drain".
struct DrainStyle {
  std::optional<Rate> pace;        // only its per_second counts
  std::optional<Duration> within;  // since it went; then the rest is closed
  bool idle_first = true;

  bool operator==(const DrainStyle&) const = default;
};

// When a backend that sessions fail on gets no new ones for a while (docs/sensing.md).
struct EjectionRules {
  bool enabled = true;
  Duration window = seconds(60);
  std::uint32_t min_failures = 5;  // sources
  double min_rate = 0.5;           // of the sources that came
  Duration base_time = seconds(30);
  Duration max_time = minutes(10);
  double max_share = 0.5;  // of the pool, those that are out anyway included

  bool operator==(const EjectionRules&) const = default;
};

// When sessions are moved from backends that have too many to those that have too few
// (docs/rebalance.md).
struct RebalanceRules {
  std::optional<Rate> budget;       // sessions moved; only its per_second counts; absent: none
  std::optional<DayWindow> window;  // absent: at any time
  double tolerance = 1.1;           // of its share: what a backend may hold and lose none

  bool operator==(const RebalanceRules&) const = default;
};

struct Pool {
  std::string name;
  Balance balance = Balance::kConsistentHash;
  HashKey hash_key = HashKey::kSource;
  double max_load = 1.25;  // 0: unbounded
  Duration source_ip_ttl = hours(8);
  ProxyProtocol proxy_protocol = ProxyProtocol::kNone;
  std::vector<ProxyTlv> proxy_tlvs = {ProxyTlv::kAuthority, ProxyTlv::kUniqueId, ProxyTlv::kCrc32c};
  bool transparent = false;       // source = "transparent"
  std::vector<IpAddress> source;  // local addresses to connect from; empty: the kernel's choice
  Duration connect_timeout = seconds(3);
  std::uint32_t connect_attempts = 3;
  Duration handshake_timeout = seconds(10);   // of TLS, since the connect; 0: off
  std::uint32_t max_pending_per_backend = 0;  // 0: no cap
  std::optional<Rate> session_rate_per_backend;
  std::uint32_t max_queued_per_backend = 1000;  // 0: nobody waits
  Duration queue_timeout = seconds(10);
  OnOverload on_overload = OnOverload::kAlert;
  Duration slow_start{};
  OnDown on_down = OnDown::kKeep;
  DrainStyle drain;
  EjectionRules ejection;
  RebalanceRules rebalance;
  Tcp tcp;
  Probe probe;
  std::vector<Backend> backends;

  bool operator==(const Pool&) const = default;
};

struct Global {
  std::uint32_t workers = 0;       // 0: one per CPU that the process may use
  std::uint32_t max_sessions = 0;  // 0: what the open-file limit allows
  std::string user;
  std::string state_file;
  Duration shutdown_grace = seconds(30);  // SIGTERM: how long live sessions may run on
  Duration drain_notice = seconds(5);     // `sstplb drain`: /readyz says no for so long before it
  std::optional<Rate> drain_pace;         // of all drains together; only its per_second counts
  std::vector<std::string> ignore_findings;  // not to be told of: "NAME" or "NAME:KEY" (silence.h)
  LogOptions log;

  bool operator==(const Global& other) const;
};

struct Admin {
  std::string socket = "/run/sstplb/admin.sock";
  std::uint32_t socket_mode = 0660;
  std::optional<SocketAddress> http = SocketAddress{IpAddress::V4({127, 0, 0, 1}), 9180};
  std::string http_token_file;

  bool operator==(const Admin&) const = default;
};

struct Config {
  Global global;
  Admin admin;
  std::vector<Listener> listeners;  // in the order of the file
  std::vector<Pool> pools;

  const Pool* FindPool(std::string_view name) const;
  const Listener* FindListener(std::string_view name) const;

  bool operator==(const Config&) const = default;
};

// The SNI a probe of `pool` shows: its own `sni`, or the first exact name of the routes to the
// pool; empty when there is none.
std::string ProbeServerName(const Config& config, const Pool& pool);

}  // namespace sstplb::config
