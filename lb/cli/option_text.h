// How options are written, for CLI11's checks: what the files that define options share.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/cli/commands.h"

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

// "main/vpn1"; nullopt when it is not of that form.
inline std::optional<BackendName> ParseBackendName(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string::npos) {
    return std::nullopt;
  }
  return BackendName{text.substr(0, slash), text.substr(slash + 1)};
}

inline CLI::Validator BackendText() {
  return Check([](const std::string& text) {
    return ParseBackendName(text) ? "" : "\"" + text + "\" is no POOL/NAME, as main/vpn1";
  });
}

}  // namespace sstplb::cli
