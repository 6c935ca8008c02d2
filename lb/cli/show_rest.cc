// Show: sessions, explanations, events, reloads and errors.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/log.h"
#include "lb/cli/show.h"
#include "lb/cli/show_common.h"

namespace sstplb::cli {
namespace {

using Align = Table::Align;

std::string BackendOf(const Json& s) {
  if (s.at("backend").is_null()) return "-";
  return Text(s.at("pool")) + "/" + Text(s.at("backend"));
}

std::string Size(const Json& bytes) { return FormatSize(bytes.get<std::uint64_t>()); }

std::string Lines(std::string_view mark, const Json& texts, Style style, bool colour) {
  std::string out;
  for (const Json& text : texts) {
    out += Paint(std::string(mark) + Printable(Text(text)), style, colour) + "\n";
  }
  return out;
}

Style StyleOf(const std::string& level) {
  if (level == "error") return Style::kBad;
  return level == "warning" ? Style::kWarning : Style::kPlain;
}

std::string EventLine(const Json& e, bool colour) {
  std::vector<LogField> fields;
  for (const auto& [key, value] : e.at("fields").items()) fields.emplace_back(key, Text(value));
  const std::string level = Text(e.at("level"));
  return Paint(Text(e.at("time")), Style::kQuiet, colour) + "  " +
         Paint(Printable(FormatLogfmt(Text(e.at("what")), fields)), StyleOf(level), colour) + "\n";
}

Cell LivenessCell(const Json& s) {
  const std::string liveness = Or(Text(s.at("liveness")), "-");
  const bool late = liveness == "quiet" || liveness == "one_way" || liveness == "dead";
  return {liveness, late ? Style::kWarning : Style::kPlain};
}

std::string LivenessText(const Json& s) {
  const std::string liveness = Text(s.at("liveness"));
  if (liveness.empty()) return "-";
  return liveness + " (client silent for " + Span(s.at("client_idle_seconds")) + ", backend for " +
         Span(s.at("backend_idle_seconds")) + ")";
}

// Where it ends. A daemon of before `waits` does not say it.
std::string Outcome(const Json& e) {
  const Json& backend = e.at("backend");
  if (backend.is_null()) return "refused: " + Or(Text(e.value("refused", Json())), "no backend");
  return (e.value("waits", false) ? "waits for a place at " : "goes to ") + Text(backend);
}

}  // namespace

std::string ShowSessions(std::string_view json, bool colour) {
  const Json page = Json::parse(json);
  Table table({{"ID"},
               {"CLIENT"},
               {"SNI"},
               {"BACKEND"},
               {"PHASE"},
               {"LIVENESS"},
               {"AGE", Align::kRight},
               {"IDLE", Align::kRight},
               {"TO BACKEND", Align::kRight},
               {"TO CLIENT", Align::kRight}});
  for (const Json& s : page.at("sessions")) {
    table.Add({{Text(s.at("id"))},
               {Text(s.at("client"))},
               {Or(Text(s.at("sni")), "-")},
               {BackendOf(s)},
               {Text(s.at("phase"))},
               LivenessCell(s),
               {Span(s.at("age_seconds"))},
               {Span(s.at("idle_seconds"))},
               {Size(s.at("to_backend_bytes"))},
               {Size(s.at("to_client_bytes"))}});
  }
  const std::size_t shown = page.at("sessions").size();
  std::string out = shown > 0 ? table.Text(colour) : "";
  out += std::to_string(shown) + " of " + Count(page.at("total")) + " sessions";
  if (!page.at("next").is_null()) out += "; the next ones: --after " + Text(page.at("next"));
  return out + "\n";
}

std::string ShowSession(std::string_view json, bool) {
  const Json s = Json::parse(json);
  const std::pair<std::string, std::string> rows[] = {
      {"id", Text(s.at("id"))},
      {"phase", Text(s.at("phase"))},
      {"listener", Text(s.at("listener"))},
      {"client", Text(s.at("client"))},
      {"proxy", Or(Text(s.at("proxy")), "-")},
      {"sni", Or(Text(s.at("sni")), "-")},
      {"ja4", Or(Text(s.at("ja4")), "-")},
      {"backend", BackendOf(s)},
      {"address", Or(Text(s.at("backend_address")), "-")},
      {"age", Span(s.at("age_seconds"))},
      {"idle", Span(s.at("idle_seconds"))},
      {"liveness", LivenessText(s)},
      {"to backend", Size(s.at("to_backend_bytes"))},
      {"to client", Size(s.at("to_client_bytes"))},
      {"handshake", s.at("handshake_done").get<bool>() ? "done" : "not done"}};
  std::string out;
  for (const auto& [name, value] : rows) {
    out += name + std::string(12 - name.size(), ' ') + Printable(value) + "\n";
  }
  return out;
}

std::string ShowClosed(std::string_view json, bool) {
  const auto closed = Json::parse(json).at("closed").get<std::uint64_t>();
  return std::to_string(closed) + (closed == 1 ? " session" : " sessions") + " closed\n";
}

std::string ShowExplanation(std::string_view json, bool colour) {
  const Json e = Json::parse(json);
  const bool placed = !e.at("pool").is_null();
  const std::pair<std::string, std::string> rows[] = {
      {"listener", Text(e.at("listener"))},
      {"admission", Text(e.at("admission"))},
      {"route", Text(e.at("route"))},
      {"pool", Or(Text(e.at("pool")), "-")},
      {"policy", Or(Text(e.at("policy")), "-")},
      {"key", Or(Text(e.at("key")), "-")},
      {"hash", placed ? Text(e.at("hash")) : "-"},
      {"outcome", Outcome(e)},
  };
  std::string out;
  for (const auto& [name, value] : rows) {
    out += name + std::string(12 - name.size(), ' ') + Printable(value) + "\n";
  }
  Table table({{"  "}, {"CANDIDATE"}, {"WHY"}});
  for (const Json& c : e.at("candidates")) {
    const bool chosen = c.at("chosen").get<bool>();
    table.Add({{chosen ? "->" : ""},
               {Text(c.at("backend")), chosen ? Style::kGood : Style::kPlain},
               {Text(c.at("why"))}});
  }
  if (!e.at("candidates").empty()) out += "\n" + table.Text(colour);
  return out;
}

std::string ShowReload(std::string_view json, bool colour) {
  const Json r = Json::parse(json);
  std::string out = Lines("", r.at("changes"), Style::kPlain, colour);
  out += Lines("needs upgrade: ", r.at("needs_upgrade"), Style::kWarning, colour);
  out += Lines("warning: ", r.at("warnings"), Style::kWarning, colour);
  const std::size_t changes = r.at("changes").size();
  const std::size_t waiting = r.at("needs_upgrade").size();
  const std::string count = changes == 0   ? "no change"
                            : changes == 1 ? "1 change"
                                           : std::to_string(changes) + " changes";
  out += count + (r.at("applied").get<bool>() ? ", applied" : ", not applied (dry run)");
  if (waiting > 0) out += "; " + std::to_string(waiting) + " more by `sstplb upgrade`";
  return out + "\n";
}

std::int64_t ReadPid(std::string_view json) {
  return Json::parse(json).at("pid").get<std::int64_t>();
}

UpgradeProgress ReadUpgrade(std::string_view json) {
  const Json status = Json::parse(json);
  UpgradeProgress out;
  out.pid = status.at("pid").get<std::int64_t>();
  const Json& upgrade = status.at("upgrade");
  out.upgrading = upgrade.at("under_way").get<bool>();
  if (upgrade.at("failed").is_string()) out.failed = upgrade.at("failed").get<std::string>();
  const Json& takeover = status.at("takeover");
  if (!takeover.is_object()) return out;
  const auto pause = std::chrono::duration<double>(takeover.at("pause_seconds").get<double>());
  out.done = "upgraded: process " + std::to_string(out.pid) + " took over " +
             std::to_string(takeover.at("sessions").get<std::uint64_t>()) +
             " sessions, which paused for " +
             FormatDuration(std::chrono::duration_cast<Duration>(pause));
  return out;
}

std::string ShowEvents(std::string_view json, bool colour) {
  std::string out;
  const Json answer = Json::parse(json);
  for (const Json& e : answer.at("events")) out += EventLine(e, colour);
  return out;
}

std::string ShowEvent(std::string_view json, bool colour) {
  return EventLine(Json::parse(json), colour);
}

std::string ShowConfig(std::string_view json, bool) { return Text(Json::parse(json).at("toml")); }

std::string ShowNothing(std::string_view, bool) { return ""; }

std::string ErrorText(std::string_view json) {
  const Json answer = Json::parse(json);
  const Json& error = answer.at("error");
  const std::string field = error.contains("field") ? Text(error.at("field")) : "";
  return Printable((field.empty() ? "" : field + ": ") + Text(error.at("message")));
}

bool LeadsSomewhere(std::string_view json) { return !Json::parse(json).at("backend").is_null(); }

}  // namespace sstplb::cli
