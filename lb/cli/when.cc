// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/when.h"

#include <ctime>

#include "lb/config/values.h"

namespace sstplb::cli {
namespace {

std::optional<WallTime> NextOnTheWall(const std::string& text, WallTime now) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return std::nullopt;
  const std::time_t seconds = WallClock::to_time_t(now);
  std::tm today{};
  localtime_r(&seconds, &today);
  for (const int days : {0, 1}) {
    std::tm parts = today;
    parts.tm_mday += days;
    parts.tm_hour = hour;
    parts.tm_min = minute;
    parts.tm_sec = 0;
    parts.tm_isdst = -1;  // whatever holds then
    const WallTime time = WallClock::from_time_t(std::mktime(&parts));
    if (time > now) return time;
  }
  return std::nullopt;
}

}  // namespace

std::optional<WallTime> ParseWhen(const std::string& text, WallTime now) {
  if (const auto time = NextOnTheWall(text, now)) return time;
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
