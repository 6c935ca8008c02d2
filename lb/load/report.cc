// SPDX-License-Identifier: Apache-2.0
#include "lb/load/report.h"

namespace sstplb::load {

std::string_view ToString(Phase phase) {
  switch (phase) {
    case Phase::kRamp:
      return "ramp";
    case Phase::kHold:
      return "hold";
    case Phase::kClosing:
      return "closing";
  }
  return "unknown";
}

bool Report::Good() const {
  const Counts& counts = figures.counts;
  return complete && counts.came_up >= options.tunnels && counts.failed == 0 && counts.lost == 0;
}

}  // namespace sstplb::load
