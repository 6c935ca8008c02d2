// SPDX-License-Identifier: Apache-2.0
#include "lb/base/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

namespace sstplb {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::int64_t kMicrosecond = 1000;
constexpr std::int64_t kMillisecond = 1000 * kMicrosecond;
constexpr std::int64_t kSecond = 1000 * kMillisecond;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

constexpr std::array<Unit, 7> kDurationUnits = {{{"d", kDay},
                                                 {"h", kHour},
                                                 {"m", kMinute},
                                                 {"s", kSecond},
                                                 {"ms", kMillisecond},
                                                 {"us", kMicrosecond},
                                                 {"ns", 1}}};

constexpr std::array<Unit, 8> kSizeUnits = {{{"GiB", 1 << 30},
                                             {"MiB", 1 << 20},
                                             {"KiB", 1 << 10},
                                             {"GB", 1000000000},
                                             {"MB", 1000000},
                                             {"kB", 1000},
                                             {"B", 1},
                                             {"", 1}}};

bool IsNumberChar(char c) { return (c >= '0' && c <= '9') || c == '.'; }

// Takes "12.5" and a unit name off the front of `text`.
bool TakeNumberAndUnit(std::string_view& text, double& number, std::string_view& unit) {
  std::size_t digits = 0;
  while (digits < text.size() && IsNumberChar(text[digits])) ++digits;
  if (digits == 0) return false;
  const char* end = text.data() + digits;
  const auto parsed = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != end) return false;
  text.remove_prefix(digits);
  std::size_t letters = 0;
  while (letters < text.size() && !IsNumberChar(text[letters])) ++letters;
  unit = text.substr(0, letters);
  text.remove_prefix(letters);
  return true;
}

template <std::size_t kCount>
const Unit* Find(const std::array<Unit, kCount>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::string Print(const char* format, double value, const char* unit) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value, unit);
  return buffer;
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  // Summed up as integers: a double forgets the nanoseconds of everything above 104 days.
  std::int64_t total = 0;
  constexpr double kLimit = 9.0e18;  // a little below int64 nanoseconds: 285 years
  std::int64_t previous = std::numeric_limits<std::int64_t>::max();
  while (!text.empty()) {
    double number = 0;
    std::string_view name;
    if (!TakeNumberAndUnit(text, number, name)) return std::nullopt;
    const Unit* unit = Find(kDurationUnits, name);
    // Units go from large to small, each once: "1h30m", never "30m1h".
    if (unit == nullptr || unit->size >= previous) return std::nullopt;
    previous = unit->size;
    const double part = number * static_cast<double>(unit->size);
    if (part > kLimit) return std::nullopt;
    if (__builtin_add_overflow(total, std::llround(part), &total)) return std::nullopt;
  }
  return Duration(total);
}

std::string FormatDuration(Duration duration) {
  const std::int64_t ns = duration.count();
  const auto as = [ns](std::int64_t unit) {
    return static_cast<double>(ns) / static_cast<double>(unit);
  };
  if (ns < kMillisecond) return Print("%.0f%s", as(kMicrosecond), "us");
  if (ns < 10 * kMillisecond) return Print("%.1f%s", as(kMillisecond), "ms");
  if (ns < kSecond) return Print("%.0f%s", as(kMillisecond), "ms");
  if (ns < kMinute) return Print("%.1f%s", as(kSecond), "s");
  std::string out;
  std::int64_t left = ns / kSecond;
  const auto add = [&](std::int64_t unit, char letter) {
    const std::int64_t count = left / (unit / kSecond);
    left %= unit / kSecond;
    if (count > 0) out += std::to_string(count) + letter;
  };
  add(kDay, 'd');
  add(kHour, 'h');
  add(kMinute, 'm');
  if (ns < kDay) add(kSecond, 's');
  return out;
}

std::string ExactDuration(Duration duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  for (const Unit& unit : kDurationUnits) {
    const std::int64_t count = left / unit.size;
    left %= unit.size;
    if (count > 0) out += std::to_string(count) + std::string(unit.name);
  }
  return out;
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  double number = 0;
  std::string_view name;
  if (!TakeNumberAndUnit(text, number, name) || !text.empty()) return std::nullopt;
  const Unit* unit = Find(kSizeUnits, name);
  if (unit == nullptr) return std::nullopt;
  const double bytes = number * static_cast<double>(unit->size);
  if (bytes > 9.0e15 || bytes != std::floor(bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string ExactSize(std::uint64_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    const auto size = static_cast<std::uint64_t>(unit.size);
    if (bytes >= size && bytes % size == 0) {
      return std::to_string(bytes / size) + (size == 1 ? "" : std::string(unit.name));
    }
  }
  return "0";
}

std::string FormatSize(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return std::to_string(bytes) + " B";
  if (bytes < 1u << 20) return Print("%.1f %s", value / 1024, "KiB");
  if (bytes < 1u << 30) return Print("%.1f %s", value / (1 << 20), "MiB");
  return Print("%.1f %s", value / (1 << 30), "GiB");
}

std::string FormatWallTime(WallTime time) {
  // Towards the past also before 1970: a certificate may say so.
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time - whole).count();
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char out[48];
  std::snprintf(out, sizeof out, "%s.%03dZ", date, static_cast<int>(ms));
  return out;
}

std::optional<WallTime> ParseWallTime(std::string_view text) {
  // "2026-11-22T05:04:54", then perhaps ".123", then "Z" or "+01:00".
  constexpr std::size_t kSeconds = 19;
  const std::string date(text.substr(0, kSeconds));
  std::tm parts{};
  const char* end = ::strptime(date.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (date.size() != kSeconds || end == nullptr || *end != '\0') return std::nullopt;
  const std::tm asked = parts;
  const std::time_t seconds = ::timegm(&parts);
  // The 31st of February would be the 3rd of March; 64 bits of nanoseconds end in 2262.
  if (parts.tm_mday != asked.tm_mday || asked.tm_year < 70 || asked.tm_year >= 362) {
    return std::nullopt;
  }
  text.remove_prefix(kSeconds);
  std::chrono::nanoseconds fraction{};
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::chrono::nanoseconds unit = std::chrono::milliseconds(100);
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; unit /= 10) {
      fraction += (text[digits++] - '0') * unit;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    text.remove_prefix(digits);
  }
  std::chrono::minutes east{};
  if (text != "Z") {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    const auto two = [&](std::size_t i) { return (text[i] - '0') * 10 + text[i + 1] - '0'; };
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || !digit(1) ||
        !digit(2) || !digit(4) || !digit(5) || two(1) > 23 || two(4) > 59) {
      return std::nullopt;
    }
    east = std::chrono::minutes((two(1) * 60 + two(4)) * (text[0] == '-' ? -1 : 1));
  }
  return WallClock::from_time_t(seconds) + fraction - east;
}

std::optional<int> ParseTimeOfDay(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return std::nullopt;
  return hour * 60 + minute;
}

std::string FormatTimeOfDay(int minute) {
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%02d:%02d", minute / 60, minute % 60);
  return text.data();
}

int TimeOfDay(WallTime time) {
  const std::time_t seconds = WallClock::to_time_t(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts.tm_hour * 60 + parts.tm_min;
}

WallTime NextTimeOfDay(int minute, WallTime now) {
  const std::time_t seconds = WallClock::to_time_t(now);
  std::tm today{};
  localtime_r(&seconds, &today);
  WallTime time;
  for (int days = 0; days < 3; ++days) {
    std::tm parts = today;
    parts.tm_mday += days;
    parts.tm_hour = minute / 60;
    parts.tm_min = minute % 60;
    parts.tm_sec = 0;
    parts.tm_isdst = -1;  // whatever holds then
    time = WallClock::from_time_t(std::mktime(&parts));
    if (time > now) break;
  }
  return time;
}

}  // namespace sstplb
