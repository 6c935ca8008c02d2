// How options are written, for CLI11's checks: what the files that define options share.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/time.h"

namespace sstplb::cli {

// A validator that says what is wrong, or "".
inline CLI::Validator Check(const std::function<std::string(const std::string&)>& problem) {
  return CLI::Validator([problem](std::string& text) { return problem(text); }, "");
}

inline CLI::Validator DurationText() {
  return Check([](const std::string& text) {
    return ParseDuration(text) ? "" : "\"" + text + "\" is no duration, as 90s, 30m or 1h30m";
  });
}

inline CLI::Validator AddressText() {
  return Check([](const std::string& text) {
    return HostPort::Parse(text) ? ""
                                 : "\"" + text +
                                       "\" is no HOST:PORT, as 10.0.0.11:443 or "
                                       "[2001:db8::1]:443";
  });
}

}  // namespace sstplb::cli
