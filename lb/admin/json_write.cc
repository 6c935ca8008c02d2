// How values of control::Api look as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "lb/admin/json.h"
#include "lb/config/words.h"

namespace sstplb::admin {
namespace {

// Keeps the order in which keys are written: people read it, too.
using Json = nlohmann::ordered_json;

// Of a plan, as a page of sessions has at most.
constexpr std::size_t kMostMoves = 1000;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Address(const std::optional<SocketAddress>& address) {
  return address ? Json(address->ToString()) : Json(nullptr);
}

Json Time(const std::optional<WallTime>& time) {
  return time ? Json(FormatWallTime(*time)) : Json(nullptr);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// Oldest first, as they are read: "1110" is three good answers and then a bad one.
std::string HistoryText(std::uint64_t bits, std::uint32_t size) {
  std::string text;
  for (std::uint32_t i = std::min(size, 64u); i-- > 0;) text += (bits >> i & 1) != 0 ? '1' : '0';
  return text;
}

Json Value(const control::ProbeStatus& p) {
  Json j;
  j["kind"] = config::ToWord(p.kind);
  j["answered"] = p.answered;
  j["time"] = p.answered ? Time(p.when) : Json(nullptr);
  j["took_seconds"] = p.answered ? Json(Seconds(p.took)) : Json(nullptr);
  j["outcome"] = TextOrNull(p.outcome);
  j["detail"] = TextOrNull(p.detail);
  j["hint"] = TextOrNull(p.hint);
  j["note"] = TextOrNull(p.note);
  j["server"] = TextOrNull(p.server_kind);
  j["history"] = HistoryText(p.history, p.history_size);
  j["streak"] = p.streak;
  j["rise"] = p.rise;
  j["fall"] = p.fall;
  return j;
}

Json Value(const std::optional<control::CertificateStatus>& c) {
  if (!c) return nullptr;
  Json j;
  j["sha256"] = c->sha256;
  j["subject"] = c->subject;
  j["issuer"] = c->issuer;
  j["names"] = c->names;
  j["not_before"] = Time(c->not_before);
  j["not_after"] = Time(c->not_after);
  j["verified"] = c->verified;
  j["verify_error"] = TextOrNull(c->verify_error);
  j["ocsp"] = TextOrNull(c->ocsp);
  j["changes"] = c->changes;
  j["findings"] = Json::object();
  for (const auto& [finding, evidence] : c->findings) j["findings"][finding] = evidence;
  return j;
}

Json Value(const std::optional<control::DrainStatus>& d) {
  if (!d) return nullptr;
  Json j;
  j["cause"] = ToString(d->cause);
  j["remaining"] = d->remaining;
  j["since"] = Time(d->since);
  j["begins"] = Time(d->begins);
  j["deadline"] = Time(d->deadline);
  j["pace_per_second"] = d->pace ? Json(*d->pace) : Json(nullptr);
  j["idle_first"] = d->idle_first;
  j["estimated_end"] = Time(d->estimated_end);
  return j;
}

Json Value(const std::optional<control::EjectionStatus>& e) {
  if (!e) return nullptr;
  Json j;
  j["signal"] = e->signal;
  j["since"] = Time(e->since);
  j["until"] = Time(e->until);
  j["times"] = e->times;
  j["failures"] = e->failures;
  j["sources"] = e->sources;
  j["other_failures"] = e->other_failures;
  j["other_sources"] = e->other_sources;
  return j;
}

Json Value(const control::BackendStatus& b) {
  Json j;
  j["pool"] = b.pool;
  j["name"] = b.name;
  j["address"] = b.address.ToString();
  j["resolved"] = Address(b.resolved);
  j["weight"] = b.weight;
  j["max_sessions"] = b.max_sessions;
  j["admin"] = config::ToWord(b.admin);
  j["health"] = backend::ToString(b.health);
  j["ready"] = b.ready;
  j["added"] = b.added;
  j["removed"] = b.removed;
  j["sessions_active"] = b.sessions_active;
  j["sessions_opened"] = b.sessions_opened;
  j["sessions_pending"] = b.sessions_pending;
  j["sessions_queued"] = b.sessions_queued;
  j["share"] = b.share;
  j["probe"] = Value(b.probe);
  j["certificate"] = Value(b.certificate);
  j["drain"] = Value(b.drain);
  j["sensed"] = {{"failures", b.sensed.failures},
                 {"sources", b.sensed.sources},
                 {"other_failures", b.sensed.other_failures},
                 {"other_sources", b.sensed.other_sources}};
  j["ejection"] = Value(b.ejection);
  return j;
}

Json Value(const control::RebalanceStatus& r) {
  Json j;
  j["active"] = r.active;
  j["by_operator"] = r.by_operator;
  j["budget_per_hour"] = r.per_second == 0 ? Json(nullptr) : Json(r.per_second * 3600);
  j["begins"] = Time(r.begins);
  j["ends"] = Time(r.ends);
  j["moved"] = r.moved;
  return j;
}

Json Value(const control::PoolStatus& p) {
  Json j;
  j["name"] = p.name;
  j["removed"] = p.removed;
  j["balance"] = p.removed ? Json(nullptr) : Json(config::ToWord(p.balance));
  j["proxy_protocol"] = p.removed ? Json(nullptr) : Json(config::ToWord(p.proxy_protocol));
  j["affinity_entries"] = p.affinity_entries;
  j["certificate_mismatch"] = p.certificate_mismatch;
  j["rebalance"] = Value(p.rebalance);
  j["backends"] = Json::array();
  for (const control::BackendStatus& b : p.backends) j["backends"].push_back(Value(b));
  return j;
}

Json Value(const std::vector<control::PoolStatus>& pools) {
  Json j = Json::array();
  for (const control::PoolStatus& p : pools) j.push_back(Value(p));
  return j;
}

Json Value(const control::ListenerStatus& l) {
  Json j;
  j["name"] = l.name;
  j["bind"] = Json::array();
  for (const SocketAddress& address : l.bind) j["bind"].push_back(address.ToString());
  j["pool"] = l.pool;
  j["routes"] = l.routes;
  j["sessions_active"] = l.sessions_active;
  return j;
}

Json Value(const session::SessionStatus& s) {
  Json j;
  j["id"] = session::ToString(s.id);
  j["phase"] = session::ToString(s.phase);
  j["listener"] = s.listener;
  j["client"] = s.client.ToString();
  j["proxy"] = Address(s.proxy);
  j["sni"] = TextOrNull(s.sni);
  j["ja4"] = TextOrNull(s.ja4);
  j["pool"] = TextOrNull(s.pool);
  j["backend"] = TextOrNull(s.backend);
  j["backend_address"] = Address(s.backend_address);
  j["age_seconds"] = Seconds(s.age);
  j["idle_seconds"] = Seconds(s.idle);
  j["liveness"] = s.liveness ? Json(session::ToString(*s.liveness)) : Json(nullptr);
  j["client_idle_seconds"] = s.liveness ? Json(Seconds(s.client_idle)) : Json(nullptr);
  j["backend_idle_seconds"] = s.liveness ? Json(Seconds(s.backend_idle)) : Json(nullptr);
  j["to_backend_bytes"] = s.to_backend_bytes;
  j["to_client_bytes"] = s.to_client_bytes;
  j["handshake_done"] = s.handshake_done;
  return j;
}

Json Value(const Event& e) {
  Json j;
  j["sequence"] = e.sequence;
  j["time"] = FormatWallTime(e.time);
  j["level"] = ToString(e.level);
  j["what"] = e.what;
  j["fields"] = Json::object();
  for (const LogField& field : e.fields) j["fields"][field.key] = field.value;
  return j;
}

}  // namespace

std::string ToJson(const control::DaemonStatus& s) {
  Json j;
  j["version"] = s.version;
  j["pid"] = s.pid;
  j["started"] = Time(s.started);
  j["uptime_seconds"] =
      std::max(0.0, std::chrono::duration<double>(WallClock::now() - s.started).count());
  j["config_file"] = s.config_file;
  j["workers"] = s.workers;
  j["sessions_active"] = s.sessions_active;
  j["max_sessions"] = s.max_sessions;
  j["open_files"] = s.open_files;
  j["open_files_limit"] = s.open_files_limit;
  j["ready"] = s.ready;
  j["not_ready"] = TextOrNull(s.not_ready);
  j["stopping"] = s.stopping;
  j["drain"] = Value(s.drain);
  j["takeover"] = nullptr;
  if (s.takeover) {
    j["takeover"] = {{"when", Time(s.takeover->when)},
                     {"sessions", s.takeover->sessions},
                     {"pause_seconds", Seconds(s.takeover->pause)}};
  }
  j["upgrade"] = {{"under_way", s.upgrading}, {"failed", TextOrNull(s.upgrade_failed)}};
  j["listeners"] = Json::array();
  for (const control::ListenerStatus& l : s.listeners) j["listeners"].push_back(Value(l));
  j["pools"] = Value(s.pools);
  return Dump(j);
}

std::string ToJson(const std::vector<control::PoolStatus>& pools) {
  Json j;
  j["pools"] = Value(pools);
  return Dump(j);
}

std::string BackendsJson(const std::vector<control::PoolStatus>& pools) {
  Json j;
  j["backends"] = Json::array();
  for (const control::PoolStatus& p : pools) {
    for (const control::BackendStatus& b : p.backends) j["backends"].push_back(Value(b));
  }
  return Dump(j);
}

std::string ToJson(const control::BackendStatus& backend) { return Dump(Value(backend)); }

std::string ToJson(const control::SessionPage& page) {
  Json j;
  j["sessions"] = Json::array();
  for (const session::SessionStatus& s : page.sessions) j["sessions"].push_back(Value(s));
  j["total"] = page.total;
  j["next"] = page.next ? Json(session::ToString(*page.next)) : Json(nullptr);
  return Dump(j);
}

std::string ToJson(const session::SessionStatus& session) { return Dump(Value(session)); }

std::string ToJson(const control::Explanation& e) {
  Json j;
  j["listener"] = e.listener;
  j["admission"] = e.admission;
  j["route"] = e.route;
  j["pool"] = TextOrNull(e.pool);
  j["policy"] = e.policy;
  j["key"] = e.key;
  j["hash"] = session::ToString(e.hash);
  j["candidates"] = Json::array();
  for (const auto& c : e.candidates) {
    j["candidates"].push_back({{"backend", c.backend}, {"chosen", c.chosen}, {"why", c.why}});
  }
  j["backend"] = TextOrNull(e.backend);
  j["waits"] = e.waits;
  j["refused"] = TextOrNull(e.refused);
  return Dump(j);
}

std::string ToJson(const control::ReloadReport& r) {
  Json j;
  j["applied"] = r.applied;
  j["changes"] = r.changes;
  j["needs_upgrade"] = r.needs_upgrade;
  j["warnings"] = r.warnings;
  return Dump(j);
}

std::string ToJson(const control::RebalanceReport& report) {
  Json j;
  j["pool"] = report.pool;
  j["tolerance"] = report.tolerance;
  j["rebalance"] = Value(report.status);
  j["remembered_clients"] = report.remembered;
  j["backends"] = Json::array();
  for (const rebalance::BackendShare& b : report.plan.backends) {
    j["backends"].push_back({{"name", b.backend},
                             {"sessions", b.sessions},
                             {"share", b.counted ? Json(b.share) : Json(nullptr)},
                             {"surplus", b.surplus},
                             {"room", b.room},
                             {"at_home", b.at_home},
                             {"moved_lately", b.moved_lately},
                             {"no_room", b.no_room}});
  }
  j["total"] = report.plan.moves.size();
  j["moves"] = Json::array();
  for (const rebalance::Move& move : report.plan.moves) {
    if (j["moves"].size() == kMostMoves) break;
    j["moves"].push_back({{"id", session::ToString(move.session)},
                          {"client", move.client.ToString()},
                          {"from", move.from},
                          {"to", TextOrNull(move.to)},
                          {"idle_seconds", Seconds(report.now - move.last_byte)}});
  }
  return Dump(j);
}

std::string ToJson(const Event& event) { return Dump(Value(event)); }

std::string EventsJson(std::span<const Event> events, std::uint64_t last) {
  Json j;
  j["events"] = Json::array();
  for (const Event& e : events) j["events"].push_back(Value(e));
  j["last"] = last;
  return Dump(j);
}

std::string ConfigJson(std::string_view toml) { return Dump({{"toml", toml}}); }

std::string StartedJson(std::int64_t pid) { return Dump({{"pid", pid}}); }

std::string ClosedJson(std::uint64_t sessions) { return Dump({{"closed", sessions}}); }

std::string ErrorJson(std::string_view code, std::string_view message, std::string_view field) {
  Json error = {{"code", code}, {"message", message}};
  if (!field.empty()) error["field"] = field;
  return Dump({{"error", error}});
}

}  // namespace sstplb::admin
