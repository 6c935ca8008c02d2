// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/load_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include "lb/cli/table.h"

namespace sstplb::cli {
namespace {

using load::Counts;
using load::Phase;
using load::Report;

constexpr std::size_t kBarWidth = 20;
constexpr std::size_t kShownFingerprint = 8;  // hexadecimal digits

// "12 up".
std::string Count(std::uint64_t count, std::string_view of) {
  return std::to_string(count) + " " + std::string(of);
}

std::string Join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

std::string PerSecond(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f/s", value);
  return text.data();
}

// In tenths of a second, "0.0s" too.
std::string Span(Duration duration) {
  constexpr Duration kTenth = std::chrono::milliseconds(100);
  const Duration whole = duration / kTenth * kTenth;
  return whole.count() > 0 ? FormatDuration(whole) : "0.0s";
}

std::string SizePerSecond(double bytes) {
  return FormatSize(static_cast<std::uint64_t>(std::max(bytes, 0.0))) + "/s";
}

double DoneShare(const load::Progress& progress) {
  const Counts& counts = progress.counts;
  const auto share = [](double part, double whole) {
    return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 1.0;
  };
  switch (progress.phase) {
    case Phase::kRamp:
      return share(static_cast<double>(counts.started - counts.SettingUp()), progress.tunnels);
    case Phase::kHold:
      return share(Seconds(progress.elapsed), Seconds(progress.hold));
    case Phase::kClosing:
      return share(static_cast<double>(counts.closed + counts.lost),
                   static_cast<double>(counts.came_up));
  }
  return 0;
}

std::string Title(const std::string& text, bool colour) {
  return Paint(text, Style::kBold, colour) + "\n";
}

void AddRow(Table& table, std::string name, std::optional<std::uint64_t> failed,
            const load::Histogram& took) {
  std::vector<Cell> row = {{std::move(name)}, {std::to_string(took.count())}};
  const bool bad = failed.value_or(0) > 0;
  row.push_back({failed ? std::to_string(*failed) : "-", bad ? Style::kBad : Style::kPlain});
  for (const Duration value : {took.min(), took.Percentile(0.5), took.Percentile(0.9),
                               took.Percentile(0.99), took.max()}) {
    row.push_back({took.count() > 0 ? FormatDuration(value) : "-"});
  }
  table.Add(std::move(row));
}

std::string Steps(const Report& report, bool colour) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"STEP"},
               {"DONE", kRight},
               {"FAILED", kRight},
               {"MIN", kRight},
               {"P50", kRight},
               {"P90", kRight},
               {"P99", kRight},
               {"MAX", kRight}});
  const load::Figures& figures = report.figures;
  for (std::size_t i = 0; i < load::StepsOf(report.options.depth); ++i) {
    AddRow(table, std::string(ToString(static_cast<load::Step>(i))), figures.steps[i].failed,
           figures.steps[i].took);
  }
  AddRow(table, "all", figures.counts.failed, figures.setup);
  if (figures.pings_sent > 0) {
    AddRow(table, "ping", std::nullopt, figures.pings);
  }
  return table.Text(colour);
}

// Failures by step and losses, each with its reason; "" when there are none.
std::string Reasons(const Report& report, bool colour) {
  Table table({{"WHERE"}, {"TUNNELS", Table::Align::kRight}, {"REASON"}, {"AGE"}});
  bool any = false;
  for (std::size_t i = 0; i < load::kSteps; ++i) {
    for (const auto& [reason, count] : report.figures.steps[i].reasons.all()) {
      table.Add({{std::string(ToString(static_cast<load::Step>(i)))},
                 {std::to_string(count)},
                 {reason.Text(), Style::kBad},
                 {"-"}});
      any = true;
    }
  }
  for (const auto& [reason, ages] : report.figures.losses.all()) {
    table.Add({{"up"},
               {std::to_string(ages.count())},
               {reason.Text(), Style::kBad},
               {FormatDuration(ages.min()) + " to " + FormatDuration(ages.max()) + ", half by " +
                FormatDuration(ages.Percentile(0.5))}});
    any = true;
  }
  return any ? table.Text(colour) : "";
}

std::string Verdict(const Report& report, bool colour) {
  const Counts& counts = report.figures.counts;
  std::vector<std::string> parts = {Count(counts.started, "started"),
                                    Count(counts.came_up, "came up"),
                                    Count(counts.failed, "failed"), Count(counts.lost, "lost"),
                                    Count(counts.closed, "ended in order")};
  if (counts.given_up > 0) parts.push_back(Count(counts.given_up, "given up while being set up"));
  std::string text =
      Paint("tunnels: " + Join(parts, ", "), report.Good() ? Style::kGood : Style::kBad, colour) +
      "\n";
  if (counts.left_open > 0) {
    text += Count(counts.left_open, "were still open 2 s after Call Disconnect\n");
  }
  if (report.interrupted) text += "interrupted before its time\n";
  if (!report.complete) text += "incomplete: a thread did not answer in time\n";
  return text;
}

std::string Payload(const Report& report) {
  if (report.options.payload == 0 || report.hold.count() == 0) return "";
  const load::Figures& figures = report.figures;
  const double seconds = Seconds(report.hold);
  const auto rate = [seconds](std::uint64_t bytes) {
    return SizePerSecond(static_cast<double>(bytes) / seconds);
  };
  const double asked = static_cast<double>(report.options.payload) * report.options.tunnels;
  std::string text = "payload while held: " + rate(figures.held_bytes_sent) + " sent, " +
                     rate(figures.held_bytes_received) + " received; asked for " +
                     SizePerSecond(asked);
  if (figures.counts.packets_skipped > 0) {
    text += "; " + Count(figures.counts.packets_skipped,
                         "packets skipped, since the server did not take those before");
  }
  text += "\n";
  if (figures.pings_sent > 0) {
    text += "pings: " + Count(figures.pings_sent, "sent, ") +
            Count(figures.pings.count(), "answered\n");
  }
  return text;
}

std::string Certificates(const Report& report) {
  const auto& all = report.figures.certificates.all();
  if (all.size() < 2) return "";
  std::vector<std::string> parts;
  parts.reserve(all.size());
  for (const auto& [hash, tunnels] : all) {
    parts.push_back(load::Fingerprint(hash).substr(0, kShownFingerprint) + " " +
                    std::to_string(tunnels));
  }
  return "tunnels by certificate: " + Join(parts, ", ") + "\n";
}

}  // namespace

std::string LoadLine(const load::Progress& progress) {
  const Counts& counts = progress.counts;
  std::vector<std::string> parts = {std::string(ToString(progress.phase))};
  switch (progress.phase) {
    case Phase::kRamp:
      parts.push_back(Count(counts.started, "of " + std::to_string(progress.tunnels)));
      break;
    case Phase::kHold:
      parts.push_back(Span(progress.elapsed) + " of " + Span(progress.hold));
      break;
    case Phase::kClosing:
      parts.push_back(Count(counts.up + counts.Ending(), "left"));
      break;
  }
  parts.push_back(Count(counts.up, "up"));
  if (counts.SettingUp() > 0) parts.push_back(Count(counts.SettingUp(), "setting up"));
  parts.push_back(Count(counts.failed, "failed"));
  if (counts.lost > 0) parts.push_back(Count(counts.lost, "lost"));
  if (progress.came_up_per_second > 0) parts.push_back(PerSecond(progress.came_up_per_second));
  if (progress.payload) parts.push_back(SizePerSecond(progress.bytes_per_second));
  return Join(parts, "  ");
}

std::string LoadBar(const load::Progress& progress) {
  const auto filled = static_cast<std::size_t>(DoneShare(progress) * kBarWidth);
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "] " +
         LoadLine(progress);
}

std::string LoadText(const Report& report, bool colour) {
  const load::Options& options = report.options;
  std::string text =
      Title(Printable(options.target) + " (" + options.server.ToString() + "), depth " +
                std::string(ToString(options.depth)) + ": ramp " + Span(report.ramp) + ", held " +
                Span(report.hold) + ", closed in " + Span(report.closing),
            colour);
  text += "\n" + Steps(report, colour);
  const std::string reasons = Reasons(report, colour);
  if (!reasons.empty()) text += "\n" + reasons;
  return text + "\n" + Verdict(report, colour) + Payload(report) + Certificates(report);
}

}  // namespace sstplb::cli
