// SPDX-License-Identifier: Apache-2.0
#include "lb/config/day_window.h"

#include "lb/base/time.h"

namespace sstplb::config {

std::optional<DayWindow> DayWindow::Parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = ParseTimeOfDay(text.substr(0, dash));
  const auto until = ParseTimeOfDay(text.substr(dash + 1));
  if (!from || !until || *from == *until) return std::nullopt;
  return DayWindow{*from, *until};
}

std::string DayWindow::ToString() const {
  return FormatTimeOfDay(from) + "-" + FormatTimeOfDay(until);
}

bool DayWindow::Contains(int minute) const {
  if (from < until) return from <= minute && minute < until;
  return from <= minute || minute < until;
}

}  // namespace sstplb::config
