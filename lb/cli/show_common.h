// What the parts of Show share.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lb/base/time.h"
#include "lb/cli/table.h"

namespace sstplb::cli {

// Keeps the order of fields: the evidence of an event is read from left to right.
using Json = nlohmann::ordered_json;

// "" for null.
inline std::string Text(const Json& value) {
  return value.is_null() ? std::string() : value.get<std::string>();
}
inline std::string Or(const std::string& text, std::string_view instead) {
  return text.empty() ? std::string(instead) : text;
}
inline std::string Count(const Json& value) { return std::to_string(value.get<std::uint64_t>()); }
inline std::string Span(const Json& seconds) {
  return FormatDuration(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds.get<double>())));
}

// The time from now until an RFC 3339 time; negative when it has passed.
Duration Until(const std::string& time);

}  // namespace sstplb::cli
