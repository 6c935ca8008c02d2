// Show: the balancer, its pools and backends.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>

#include "lb/cli/show.h"
#include "lb/cli/show_common.h"

namespace sstplb::cli {
namespace {

using Align = Table::Align;
using std::chrono::hours;

Cell HealthCell(const Json& b) {
  if (b.at("removed").get<bool>()) return {"-", Style::kQuiet};
  const std::string health = Text(b.at("health"));
  const Json& ejection = b.at("ejection");
  if (!ejection.is_null()) {
    const Duration left = std::max(Until(Text(ejection.at("until"))), Duration(0));
    return {health + " (ejected, " + Text(ejection.at("signal")) + ", back in " +
                FormatDuration(std::chrono::ceil<std::chrono::seconds>(left)) + ")",
            Style::kBad};
  }
  return {health, health == "up" ? Style::kGood : health == "down" ? Style::kBad : Style::kWarning};
}

std::string DrainText(const Json& drain) {
  const std::string begins = Text(drain.at("begins"));
  if (!begins.empty() && Until(begins) > Duration(0)) {
    return "begins in " + FormatDuration(Until(begins));
  }
  std::string out = Count(drain.at("remaining")) + " left";
  const std::string deadline = Text(drain.at("deadline"));
  const std::string end = Text(drain.at("estimated_end"));
  if (!deadline.empty()) {
    out += ", closed in " + FormatDuration(std::max(Until(deadline), Duration(0)));
  } else if (!end.empty()) {
    out += ", about " + FormatDuration(std::max(Until(end), Duration(0)));
  }
  return out;
}

Cell AdminCell(const Json& b) {
  const Json& drain = b.at("drain");
  if (b.at("removed").get<bool>())
    return {"removed, draining, " + DrainText(drain), Style::kWarning};
  const std::string admin = Text(b.at("admin"));
  if (drain.is_null()) return {admin, admin == "active" ? Style::kPlain : Style::kWarning};
  // An active backend may have a drain too: it went down, or the time has not come.
  const bool by_itself = Text(drain.at("cause")) == "down";
  return {admin + " (" + (by_itself ? "drained, " : "") + DrainText(drain) + ")", Style::kWarning};
}

Cell ProbeCell(const Json& b) {
  const Json& p = b.at("probe");
  if (Text(p.at("kind")) == "none") return {"not probed", Style::kQuiet};
  if (!p.at("answered").get<bool>()) return {"none yet", Style::kQuiet};
  const std::string server = p.at("server").is_null() ? "" : " (" + Text(p.at("server")) + ")";
  return {Text(p.at("kind")) + " " + Text(p.at("outcome")) + " " + Span(p.at("took_seconds")) +
          server};
}

Cell CertificateCell(const Json& b) {
  const Json& c = b.at("certificate");
  if (c.is_null()) return {"-", Style::kQuiet};
  const auto days = std::chrono::floor<std::chrono::days>(Until(Text(c.at("not_after")))).count();
  if (days < 0) return {"expired", Style::kBad};
  std::string text = std::to_string(days) + " days";
  bool bad = false;
  bool trouble = false;  // as the balancer knows it: certificate_warn is each pool's own
  for (const auto& [finding, evidence] : c.at("findings").items()) {
    trouble = true;
    if (finding == "names") text += ", lacks " + Text(evidence);
    if (finding == "revoked" || finding == "not_yet_valid") text += ", " + finding;
    bad = bad || finding == "revoked";
  }
  return {text, bad ? Style::kBad : trouble ? Style::kWarning : Style::kPlain};
}

std::string SessionsText(const Json& b) {
  const std::string active = Count(b.at("sessions_active"));
  const auto most = b.at("max_sessions").get<std::uint64_t>();
  return most == 0 ? active : active + "/" + std::to_string(most);
}

// A backend's, with those that wait for it: "120 +8 queued".
std::string BackendSessionsText(const Json& b) {
  const std::string queued = Count(b.at("sessions_queued"));
  return SessionsText(b) + (queued == "0" ? "" : " +" + queued + " queued");
}

std::string WeightText(const Json& b) {
  const double share = b.at("share").get<double>();
  std::string weight = Count(b.at("weight"));
  if (share >= 1) return weight;
  return weight + " (slow start " + std::to_string(static_cast<int>(share * 100)) + "%)";
}

std::string BackendTable(const Json& backends, bool colour) {
  Table table({{"BACKEND"},
               {"ADDRESS"},
               {"HEALTH"},
               {"ADMIN"},
               {"SESSIONS", Align::kRight},
               {"WEIGHT", Align::kRight},
               {"PROBE"},
               {"CERTIFICATE"}});
  for (const Json& b : backends) {
    const bool added = b.at("added").get<bool>();
    table.Add({{Text(b.at("pool")) + "/" + Text(b.at("name")) + (added ? " +" : "")},
               {Text(b.at("address"))},
               HealthCell(b),
               AdminCell(b),
               {BackendSessionsText(b)},
               {WeightText(b)},
               ProbeCell(b),
               CertificateCell(b)});
  }
  return table.Text(colour);
}

std::string ListenerTable(const Json& listeners, bool colour) {
  Table table({{"LISTENER"},
               {"ADDRESSES"},
               {"POOL"},
               {"ROUTES", Align::kRight},
               {"SESSIONS", Align::kRight}});
  for (const Json& l : listeners) {
    std::string bind;
    for (const Json& address : l.at("bind")) bind += (bind.empty() ? "" : ", ") + Text(address);
    table.Add({{Text(l.at("name"))},
               {bind},
               {Text(l.at("pool"))},
               {Count(l.at("routes"))},
               {Count(l.at("sessions_active"))}});
  }
  return table.Text(colour);
}

std::string PoolTitle(const Json& pool, bool colour) {
  std::size_t ready = 0;
  std::size_t all = 0;
  for (const Json& b : pool.at("backends")) {
    all += b.at("removed").get<bool>() ? 0 : 1;
    ready += b.at("ready").get<bool>() ? 1 : 0;
  }
  std::string out = Paint("pool " + Printable(Text(pool.at("name"))), Style::kBold, colour);
  if (pool.at("removed").get<bool>()) {
    return out + "  " + Paint("removed", Style::kWarning, colour) + "\n";
  }
  out += "  " + Text(pool.at("balance")) + "  ";
  out += Paint(std::to_string(ready) + " of " + std::to_string(all) + " ready",
               ready == 0 ? Style::kBad : Style::kPlain, colour);
  if (Text(pool.at("proxy_protocol")) != "none")
    out += "  PROXY " + Text(pool.at("proxy_protocol"));
  if (Text(pool.at("balance")) == "source-ip") {
    out += "  " + Count(pool.at("affinity_entries")) + " clients remembered";
  }
  if (pool.at("certificate_mismatch").get<bool>()) {
    out += "  " + Paint("certificates differ", Style::kWarning, colour);
  }
  return out + "\n";
}

std::string ReadinessText(const Json& s, bool colour) {
  if (s.at("stopping").get<bool>()) return Paint("stopping", Style::kWarning, colour);
  if (!s.at("drain").is_null()) {
    return Paint("draining (" + DrainText(s.at("drain")) + ")", Style::kWarning, colour);
  }
  if (s.at("ready").get<bool>()) return Paint("ready", Style::kGood, colour);
  return Paint("not ready: " + Printable(Text(s.at("not_ready"))), Style::kBad, colour);
}

// What a drain says of itself; without one, what there is.
DrainProgress Progress(const Json& drain, const Json& sessions) {
  DrainProgress out;
  const auto in = [](const std::string& time) {
    const Duration left = std::max(Until(time), Duration(0));
    return FormatDuration(std::chrono::ceil<std::chrono::seconds>(left));
  };
  out.remaining = (drain.is_null() ? sessions : drain.at("remaining")).get<std::uint64_t>();
  out.text = std::to_string(out.remaining) + (out.remaining == 1 ? " session" : " sessions");
  out.text += " left";
  if (drain.is_null()) return out;
  const std::string deadline = Text(drain.at("deadline"));
  out.deadline = ParseWallTime(deadline);
  const std::string begins = Text(drain.at("begins"));
  out.waiting = Text(drain.at("cause")) != "down" && !begins.empty() && Until(begins) > Duration(0);
  if (out.waiting) {
    out.text += ", begins in " + in(begins);
    return out;
  }
  if (out.remaining == 0) return out;
  const std::string end = Text(drain.at("estimated_end"));
  if (!deadline.empty()) out.text += ", closed in " + in(deadline);
  if (!end.empty() && end < Or(deadline, "~")) out.text += ", empty in about " + in(end);
  return out;
}

}  // namespace

Duration Until(const std::string& time) {
  const std::optional<WallTime> parsed = ParseWallTime(time);
  if (!parsed) throw std::invalid_argument("no time");
  return *parsed - WallClock::now();
}

std::string ShowStatus(std::string_view json, bool colour) {
  const Json s = Json::parse(json);
  std::string out = Paint("sstplb " + Text(s.at("version")), Style::kBold, colour);
  out += "  " + ReadinessText(s, colour) + "  up " + Span(s.at("uptime_seconds"));
  out += "  pid " + std::to_string(s.at("pid").get<std::int64_t>());
  out += "  " + Printable(Text(s.at("config_file"))) + "\n";
  out += "sessions " + SessionsText(s) + "  workers " + Count(s.at("workers"));
  out += "  open files " + Count(s.at("open_files")) + "/" + Count(s.at("open_files_limit"));
  out += "\n\n" + ListenerTable(s.at("listeners"), colour);
  for (const Json& pool : s.at("pools")) {
    out += "\n" + PoolTitle(pool, colour) + BackendTable(pool.at("backends"), colour);
  }
  return out;
}

std::string ShowBackends(std::string_view json, bool colour) {
  return BackendTable(Json::parse(json).at("backends"), colour);
}

std::string ShowBackend(std::string_view json, bool colour) {
  const Json b = Json::parse(json);
  const Cell health = HealthCell(b);
  const Cell admin = AdminCell(b);
  std::string out = Printable(Text(b.at("pool")) + "/" + Text(b.at("name")));
  out += "  " + Paint(health.text, health.style, colour);
  out += "  " + Paint(admin.text, admin.style, colour);
  return out + "  " + SessionsText(b) + " sessions  weight " + Count(b.at("weight")) + "\n";
}

DrainProgress ReadDrain(std::string_view json) {
  const Json b = Json::parse(json);
  const Json& drain = b.at("drain");
  DrainProgress out = Progress(drain, b.at("sessions_active"));
  out.name = Printable(Text(b.at("pool")) + "/" + Text(b.at("name")));
  out.removed = b.at("removed").get<bool>();
  const bool decided = !drain.is_null() && Text(drain.at("cause")) == "operator";
  out.draining = decided || Text(b.at("admin")) == "draining";
  return out;
}

DrainProgress ReadDrainOfAll(std::string_view json) {
  const Json s = Json::parse(json);
  DrainProgress out = Progress(s.at("drain"), s.at("sessions_active"));
  out.name = "sstplb";
  out.draining = !s.at("drain").is_null();
  return out;
}

std::string DrainBody(std::optional<Duration> within, std::optional<double> pace, bool idle_first,
                      std::optional<WallTime> at) {
  Json body = Json::object();
  if (within) body["within_seconds"] = Seconds(*within);
  if (pace) body["pace_per_second"] = *pace;
  if (idle_first) body["idle_first"] = true;
  if (at) body["at"] = FormatWallTime(*at);
  return body.dump();
}

std::string RebalanceBody(std::optional<double> per_second, std::optional<Duration> within) {
  Json body = Json::object();
  if (per_second) body["budget_per_hour"] = *per_second * 3600;
  if (within) body["within_seconds"] = Seconds(*within);
  return body.dump();
}

std::string AddBody(std::string_view pool, std::string_view name, std::string_view address,
                    std::optional<unsigned> weight, std::optional<unsigned> max_sessions,
                    bool disabled) {
  Json body = {{"pool", pool}, {"name", name}, {"address", address}};
  if (weight) body["weight"] = *weight;
  if (max_sessions) body["max_sessions"] = *max_sessions;
  if (disabled) body["admin"] = "disabled";
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sstplb::cli
