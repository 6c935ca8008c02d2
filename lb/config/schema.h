// Schema: every key of the configuration, once: its name, where its value is kept and what it may
// be. The reader, the exporter and the differ are visitors of these tables.
//
// A visitor over an Owner struct has
//   Key(name, member, rule)           a key with a default
//   Required(name, member, rule)      a key without one
//   Table(name, member, keys)         a table inside, visited by `keys`
//   Source(name)                      a pool's `source`, which two members hold
//
// The tables pool.NAME.probe, pool.NAME.backend and listener.NAME.route are visited on their own.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lb/config/config.h"
#include "lb/config/names.h"
#include "lb/config/rules.h"

namespace sstplb::config {

enum class Leg { kListener, kBackend };

// Problems for TextRule.
std::optional<std::string> PathProblem(std::string& text);
std::optional<std::string> TargetProblem(std::string& text);
std::optional<std::string> UserProblem(std::string& text);
std::optional<std::string> CongestionProblem(std::string& text);
std::optional<std::string> RouteNameProblem(std::string& text);
std::optional<std::string> ExactNameProblem(std::string& text);
std::optional<std::string> AlpnProblem(std::string& text);
std::optional<std::string> UrlPathProblem(std::string& text);
std::optional<std::string> BackendNameProblem(std::string& text);
std::optional<std::string> IgnoredFindingProblem(std::string& text);

inline constexpr std::uint64_t kLargestBuffer = std::uint64_t{1} << 30;
inline constexpr Duration kYear = hours(365 * 24);

// The default of probe.fast_interval: never slower than the interval itself.
inline Duration DefaultFastInterval(Duration interval) {
  return std::min<Duration>(interval, Probe{}.fast_interval);
}

template <class Visitor>
void LogKeys(Visitor& v) {
  v.Key("level", &LogOptions::level, WordRule{"level"});
  v.Key("format", &LogOptions::format, WordRule{"format"});
  v.Key("target", &LogOptions::target,
        TextRule{"\"stderr\", \"journald\" or a path", TargetProblem, false});
}

template <class Visitor>
void GlobalKeys(Visitor& v) {
  v.Key("workers", &Global::workers, CountRule{0, 1024});
  v.Key("max_sessions", &Global::max_sessions, CountRule{0, kMaxSessions});
  v.Key("user", &Global::user, TextRule{"a user name", UserProblem});
  v.Key("state_file", &Global::state_file, TextRule{"a path", PathProblem});
  v.Key("shutdown_grace", &Global::shutdown_grace, SpanRule{Duration::zero(), hours(7 * 24)});
  v.Key("drain_notice", &Global::drain_notice, SpanRule{Duration::zero(), hours(1)});
  v.Key("drain_pace", &Global::drain_pace, OptionalRule<RateRule>{});
  v.Key("ignore_findings", &Global::ignore_findings,
        ListRule<TextRule>{{"the name of a finding", IgnoredFindingProblem, false}});
  v.Table("log", &Global::log, [](auto& inner) { LogKeys(inner); });
}

template <class Visitor>
void AdminKeys(Visitor& v) {
  v.Key("socket", &Admin::socket, TextRule{"a path", PathProblem, false});
  v.Key("socket_mode", &Admin::socket_mode, OctalRule{});
  v.Key("http", &Admin::http, OptionalRule<AddressRule>{});
  v.Key("http_token_file", &Admin::http_token_file, TextRule{"a path", PathProblem});
}

template <class Visitor>
void TcpKeys(Visitor& v, Leg leg) {
  v.Key("nodelay", &Tcp::nodelay, FlagRule{});
  // TCP_KEEPIDLE counts whole seconds, up to 32767.
  v.Key("keepalive", &Tcp::keepalive, SpanRule{seconds(1), hours(9), true});
  v.Key("user_timeout", &Tcp::user_timeout, SpanRule{seconds(1), hours(24), true});
  v.Key("congestion", &Tcp::congestion, TextRule{"an algorithm's name", CongestionProblem});
  v.Key("mss", &Tcp::mss, CountRule{88, 32767, true});  // what Linux takes for TCP_MAXSEG
  v.Key("notsent_lowat", &Tcp::notsent_lowat, SizeRule{1024, kLargestBuffer, true});
  v.Key("rcvbuf", &Tcp::rcvbuf, SizeRule{4096, kLargestBuffer, true});
  v.Key("sndbuf", &Tcp::sndbuf, SizeRule{4096, kLargestBuffer, true});
  if (leg == Leg::kBackend) return;
  v.Key("defer_accept", &Tcp::defer_accept, FlagRule{});
  v.Key("backlog", &Tcp::backlog, CountRule{1, 65535});
}

template <class Visitor>
void RouteKeys(Visitor& v) {
  v.Key("sni", &Route::sni,
        ListRule<TextRule>{{"a server name", RouteNameProblem, false}, false, true});
  v.Key("alpn", &Route::alpn, ListRule<TextRule>{{"a protocol name", AlpnProblem, false}});
  v.Required("pool", &Route::pool, TextRule{"a pool's name", nullptr, false});
}

template <class Visitor>
void ListenerKeys(Visitor& v) {
  v.Required("bind", &Listener::bind, ListRule<AddressRule>{{}, true});
  v.Required("pool", &Listener::pool, TextRule{"a pool's name", nullptr, false});
  v.Key("no_sni", &Listener::no_sni, WordRule{"choice"});
  v.Key("unknown_sni", &Listener::unknown_sni, WordRule{"choice"});
  v.Key("not_tls", &Listener::not_tls, WordRule{"choice"});
  v.Key("accept_proxy", &Listener::accept_proxy, ListRule<BlockRule>{});
  v.Key("hello_timeout", &Listener::hello_timeout, SpanRule{milliseconds(100), minutes(10)});
  v.Key("hello_max", &Listener::hello_max, SizeRule{512, 1 << 20});
  v.Key("allow", &Listener::allow, ListRule<BlockRule>{});
  v.Key("deny", &Listener::deny, ListRule<BlockRule>{});
  v.Key("max_sessions_per_source", &Listener::max_sessions_per_source, CountRule{0, kMaxSessions});
  v.Key("session_rate_per_source", &Listener::session_rate_per_source, OptionalRule<RateRule>{});
  v.Key("session_rate", &Listener::session_rate, OptionalRule<RateRule>{});
  v.Key("idle_timeout", &Listener::idle_timeout, SpanRule{seconds(1), hours(30 * 24)});
  v.Key("rhythm", &Listener::rhythm, SpanRule{seconds(1), hours(24), true});
  v.Table("tcp", &Listener::tcp, [](auto& inner) { TcpKeys(inner, Leg::kListener); });
}

template <class Visitor>
void DrainKeys(Visitor& v) {
  v.Key("pace", &DrainStyle::pace, OptionalRule<RateRule>{});
  v.Key("within", &DrainStyle::within, OptionalRule<SpanRule>{{seconds(1), hours(30 * 24)}});
  v.Key("idle_first", &DrainStyle::idle_first, FlagRule{});
}

template <class Visitor>
void EjectionKeys(Visitor& v) {
  v.Key("enabled", &EjectionRules::enabled, FlagRule{});
  v.Key("window", &EjectionRules::window, SpanRule{seconds(1), hours(1)});
  v.Key("min_failures", &EjectionRules::min_failures, CountRule{1, 1000});
  v.Key("min_rate", &EjectionRules::min_rate, RealRule{0.01, 1});
  v.Key("base_time", &EjectionRules::base_time, SpanRule{seconds(1), hours(24)});
  v.Key("max_time", &EjectionRules::max_time, SpanRule{seconds(1), hours(24)});
  v.Key("max_share", &EjectionRules::max_share, RealRule{0.01, 1});
}

// Sessions a second. More is no balancing act but a storm.
inline constexpr double kFastestRebalance = 10;

template <class Visitor>
void RebalanceKeys(Visitor& v) {
  v.Key("budget", &RebalanceRules::budget, OptionalRule<RateRule>{{kFastestRebalance}});
  v.Key("window", &RebalanceRules::window, OptionalRule<WindowRule>{});
  v.Key("tolerance", &RebalanceRules::tolerance, RealRule{1, 10});
}

template <class Visitor>
void PoolKeys(Visitor& v) {
  v.Key("balance", &Pool::balance, WordRule{"policy"});
  v.Key("hash_key", &Pool::hash_key, WordRule{"hash key"});
  v.Key("max_load", &Pool::max_load, RealRule{1, 100, true});
  v.Key("source_ip_ttl", &Pool::source_ip_ttl, SpanRule{Duration::zero(), kYear});
  v.Key("proxy_protocol", &Pool::proxy_protocol, WordRule{"version"});
  v.Key("proxy_tlvs", &Pool::proxy_tlvs, ListRule<WordRule>{{"TLV"}});
  v.Source("source");
  v.Key("connect_timeout", &Pool::connect_timeout, SpanRule{milliseconds(10), minutes(5)});
  v.Key("connect_attempts", &Pool::connect_attempts, CountRule{1, 64});
  v.Key("handshake_timeout", &Pool::handshake_timeout,
        SpanRule{milliseconds(100), minutes(10), true});
  v.Key("max_pending_per_backend", &Pool::max_pending_per_backend, CountRule{0, kMaxSessions});
  v.Key("session_rate_per_backend", &Pool::session_rate_per_backend, OptionalRule<RateRule>{});
  v.Key("max_queued_per_backend", &Pool::max_queued_per_backend, CountRule{0, kMaxSessions});
  v.Key("queue_timeout", &Pool::queue_timeout, SpanRule{milliseconds(100), minutes(5)});
  v.Key("on_overload", &Pool::on_overload, WordRule{"choice"});
  v.Key("slow_start", &Pool::slow_start, SpanRule{Duration::zero(), hours(1)});
  v.Key("on_down", &Pool::on_down, WordRule{"choice"});
  v.Table("drain", &Pool::drain, [](auto& inner) { DrainKeys(inner); });
  v.Table("ejection", &Pool::ejection, [](auto& inner) { EjectionKeys(inner); });
  v.Table("rebalance", &Pool::rebalance, [](auto& inner) { RebalanceKeys(inner); });
  v.Table("tcp", &Pool::tcp, [](auto& inner) { TcpKeys(inner, Leg::kBackend); });
}

template <class Visitor>
void ProbeKeys(Visitor& v) {
  v.Key("kind", &Probe::kind, WordRule{"kind"});
  v.Key("server", &Probe::server, WordRule{"server"});
  v.Key("depth", &Probe::depth, WordRule{"depth"});
  v.Key("sni", &Probe::sni, TextRule{"a server name", ExactNameProblem});
  v.Key("verify", &Probe::verify, WordRule{"choice"});
  v.Key("ca_file", &Probe::ca_file, TextRule{"a path", PathProblem});
  v.Key("crl_file", &Probe::crl_file, TextRule{"a path", PathProblem});
  v.Key("path", &Probe::path, TextRule{"a path that begins with /", UrlPathProblem});
  v.Key("command", &Probe::command,
        ListRule<TextRule>{{"a program or argument", nullptr, true}, false, false});
  v.Key("interval", &Probe::interval, SpanRule{milliseconds(50), hours(24)});
  v.Key("fast_interval", &Probe::fast_interval, SpanRule{milliseconds(50), hours(24)});
  v.Key("budget", &Probe::budget, OptionalRule<RateRule>{});
  v.Key("timeout", &Probe::timeout, SpanRule{milliseconds(10), minutes(5)});
  v.Key("rise", &Probe::rise, CountRule{1, 64});
  v.Key("fall", &Probe::fall, CountRule{1, 64});
  v.Key("proxy_protocol", &Probe::proxy_protocol, WordRule{"version"});
  v.Key("certificate_warn", &Probe::certificate_warn, SpanRule{Duration::zero(), kYear});
}

template <class Visitor>
void BackendKeys(Visitor& v) {
  v.Required("name", &Backend::name, TextRule{"a name", BackendNameProblem, false});
  v.Required("address", &Backend::address, HostPortRule{});
  v.Key("weight", &Backend::weight, CountRule{0, kMaxWeight});
  v.Key("max_sessions", &Backend::max_sessions, CountRule{0, kMaxSessions});
  v.Key("admin", &Backend::admin, WordRule{"state"});
}

// The path of every key, names left out: "global.log.level", "listener.*.route.sni".
std::vector<std::string> KnownKeys();

}  // namespace sstplb::config
