// Show: what a pool's rebalance would do.
//
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "lb/cli/show.h"
#include "lb/cli/show_common.h"

namespace sstplb::cli {
namespace {

using Align = Table::Align;

// More do not help a person.
constexpr std::size_t kMostShown = 20;

std::string Number(const Json& value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value.get<double>());
  return text;
}

std::string In(const Json& time) {
  return FormatDuration(std::max(Until(Text(time)), Duration(0)));
}

// "on, 60 an hour, ends in 47m", "off, next window in 3h12m".
std::string StateText(const Json& r) {
  std::string out = r.at("active").get<bool>() ? "on" : "off";
  if (r.at("by_operator").get<bool>()) out += " by command";
  if (!r.at("budget_per_hour").is_null()) {
    out += ", " + Number(r.at("budget_per_hour"), "%.4g") + " an hour";
  }
  if (!r.at("ends").is_null()) out += ", ends in " + In(r.at("ends"));
  if (!r.at("begins").is_null()) out += ", next window in " + In(r.at("begins"));
  return out + ", " + Count(r.at("moved")) + " moved so far";
}

Cell BackendCell(const Json& b, const Json& tolerance) {
  if (b.at("share").is_null()) return {"gets no new sessions: not counted", Style::kQuiet};
  if (b.at("surplus") != 0) {
    return {Count(b.at("surplus")) + " above " + Number(tolerance, "%.4g") + " times its share",
            Style::kWarning};
  }
  if (b.at("room") != 0) return {"room for " + Count(b.at("room"))};
  return {"in tolerance", Style::kGood};
}

std::string Shares(const Json& report, bool colour) {
  Table table({{"BACKEND"}, {"SESSIONS", Align::kRight}, {"SHARE", Align::kRight}, {""}});
  for (const Json& b : report.at("backends")) {
    const Json& share = b.at("share");
    table.Add({{Text(b.at("name"))},
               {Count(b.at("sessions"))},
               {share.is_null() ? "-" : Number(share, "%.1f")},
               BackendCell(b, report.at("tolerance"))});
  }
  return table.Text(colour);
}

std::string Moves(const Json& report, bool colour) {
  const Json& moves = report.at("moves");
  if (moves.empty()) return "nothing to move\n";
  const auto total = report.at("total").get<std::uint64_t>();
  std::string out = std::to_string(total) + " to move";
  const Json& budget = report.at("rebalance").at("budget_per_hour");
  if (!budget.is_null()) {
    const std::chrono::duration<double> span(static_cast<double>(total - 1) * 3600 /
                                             budget.get<double>());
    out += ", in " + FormatDuration(std::chrono::duration_cast<Duration>(span));
  }
  out += "; the longest silent first:\n";
  Table table({{"ID"}, {"CLIENT"}, {"FROM"}, {"TO"}, {"IDLE", Align::kRight}});
  std::size_t shown = 0;
  for (const Json& move : moves) {
    if (shown++ == kMostShown) break;
    table.Add({{Text(move.at("id"))},
               {Text(move.at("client"))},
               {Text(move.at("from"))},
               {Or(Text(move.at("to")), "whose turn it is")},
               {Span(move.at("idle_seconds"))}});
  }
  out += table.Text(colour);
  if (total > kMostShown) out += "and " + std::to_string(total - kMostShown) + " more\n";
  return out;
}

// Why a backend keeps what it has too many of.
std::string Kept(const Json& report) {
  std::string out;
  for (const Json& b : report.at("backends")) {
    std::string why;
    const auto add = [&](const char* key, const char* text) {
      if (b.at(key) == 0) return;
      why += (why.empty() ? "" : ", ") + Count(b.at(key)) + text;
    };
    add("at_home", " belong there");
    add("moved_lately", " of clients that are moved now or were in the last day");
    add("no_room", " belong to backends without room");
    if (!why.empty()) out += "not moved from " + Printable(Text(b.at("name"))) + ": " + why + "\n";
  }
  return out;
}

}  // namespace

std::string ShowRebalance(std::string_view json, bool colour) {
  const Json report = Json::parse(json);
  return "pool " + Printable(Text(report.at("pool"))) + ": rebalance " +
         StateText(report.at("rebalance")) + "\n\n" + Shares(report, colour) + "\n" +
         Moves(report, colour) + Kept(report);
}

}  // namespace sstplb::cli
