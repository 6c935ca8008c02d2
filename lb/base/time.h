// Time and size as people write them ("500ms", "16KiB"), and the clock that everything shares.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sstplb {

// Deadlines and ages use the monotonic clock; pure code takes `now` as a parameter.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;
using WallClock = std::chrono::system_clock;
using WallTime = WallClock::time_point;

// Parses "0s", "500ms", "1.5s", "15m", "2h", "21d", "1h30m". A number without a unit, a negative
// one and one that does not fit are nullopt.
std::optional<Duration> ParseDuration(std::string_view text);

// The short form for logs and tables: "41ms", "3.0s", "3h12m4s", "2d4h".
std::string FormatDuration(Duration duration);

// The exact form for configuration files; ParseDuration(ExactDuration(d)) == d.
std::string ExactDuration(Duration duration);

// Parses "0", "4096", "16KiB", "1MiB", "2GiB" and "16kB" (1000); nullopt for anything else.
std::optional<std::uint64_t> ParseSize(std::string_view text);
// The exact form for configuration files: "64KiB".
std::string ExactSize(std::uint64_t bytes);
// The short form for tables: "1.4 GiB".
std::string FormatSize(std::uint64_t bytes);

inline double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// RFC 3339 in UTC with milliseconds.
std::string FormatWallTime(WallTime time);
// Reads RFC 3339, with any offset and up to nine digits of a second's fraction, from 1970 to 2261.
std::optional<WallTime> ParseWallTime(std::string_view text);

// A time of day as this host's clock on the wall shows it ("22:00"), in minutes since midnight.
std::optional<int> ParseTimeOfDay(std::string_view text);
std::string FormatTimeOfDay(int minute);
int TimeOfDay(WallTime time);
// When the wall shows it next, after `now`.
WallTime NextTimeOfDay(int minute, WallTime now);

}  // namespace sstplb
