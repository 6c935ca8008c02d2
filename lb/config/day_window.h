// DayWindow: a part of every day, by this host's clock on the wall.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sstplb::config {

// In minutes since midnight; `until` is not in it any more. Over midnight when `until` is the
// earlier one. They differ.
struct DayWindow {
  int from = 0;
  int until = 0;

  // "02:00-05:30".
  static std::optional<DayWindow> Parse(std::string_view text);
  std::string ToString() const;
  bool Contains(int minute) const;

  bool operator==(const DayWindow&) const = default;
};

}  // namespace sstplb::config
