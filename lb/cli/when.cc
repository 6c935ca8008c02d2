// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/when.h"

#include "lb/config/values.h"

namespace sstplb::cli {
std::optional<WallTime> ParseWhen(const std::string& text, WallTime now) {
  if (const auto minute = ParseTimeOfDay(text)) return NextTimeOfDay(*minute, now);
  if (const auto time = ParseWallTime(text)) return time;
  constexpr Duration kYear = std::chrono::hours(366 * 24);
  if (const auto span = ParseDuration(text); span && *span <= kYear) {
    return now + std::chrono::duration_cast<WallClock::duration>(*span);
  }
  return std::nullopt;
}

std::optional<double> ParsePace(const std::string& text) {
  const auto rate = config::ParseRate(text);
  if (!rate || rate->per_second * 3600 < 1 || rate->per_second > 1e6) return std::nullopt;
  return rate->per_second;
}

std::string SpanProblem(const std::string& text) {
  return ParseDuration(text) ? "" : "\"" + text + "\" is no duration, as 90s, 30m or 1h30m";
}

std::string WhenProblem(const std::string& text) {
  if (ParseWhen(text, WallClock::now())) return "";
  return "\"" + text + "\" is no time, as 22:00, 2h or 2026-11-22T22:00:00Z";
}

std::string PaceProblem(const std::string& text) {
  return ParsePace(text) ? "" : "\"" + text + "\" is no pace, as 5/s or 30/m";
}

}  // namespace sstplb::cli
