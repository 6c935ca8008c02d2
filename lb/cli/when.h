// When, and how fast: a time and a pace as people type them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "lb/base/time.h"

namespace sstplb::cli {

// "22:00" is the next time that the clock on this host's wall shows that; "2h" is from now, a year
// at most; "2026-11-22T22:00:00Z" is itself, also when it has passed. Else nullopt.
std::optional<WallTime> ParseWhen(const std::string& text, WallTime now);

// "5/s" or "30/m", as sessions per second: from one an hour to a million a second. Else nullopt.
std::optional<double> ParsePace(const std::string& text);

// What is wrong with the text; "" when nothing is.
std::string SpanProblem(const std::string& text);  // a duration
std::string WhenProblem(const std::string& text);
std::string PaceProblem(const std::string& text);

}  // namespace sstplb::cli
