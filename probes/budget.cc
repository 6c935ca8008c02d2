// SPDX-License-Identifier: Apache-2.0
#include "probes/budget.h"

#include <algorithm>

namespace sstplb::probes {

Budget::Budget(const config::Rate& rate, TimePoint now)
    : rate_(rate), left_(rate.burst), at_(now) {}

void Budget::SetRate(const config::Rate& rate, TimePoint now) {
  left_ = std::min(LeftAt(now), rate.burst);
  at_ = now;
  rate_ = rate;
}

bool Budget::Take(TimePoint now) {
  left_ = LeftAt(now);
  at_ = now;
  // A thousandth less than one is the rounding of NextAt(), not a token too early.
  if (left_ < 0.999) return false;
  left_ -= 1;
  return true;
}

TimePoint Budget::NextAt(TimePoint now) const {
  const double missing = 1 - LeftAt(now);
  if (missing <= 0) return now;
  return now + std::chrono::duration_cast<Duration>(
                   std::chrono::duration<double>(missing / rate_.per_second));
}

double Budget::LeftAt(TimePoint now) const {
  return std::min(rate_.burst, left_ + rate_.per_second * Seconds(std::max(now - at_, Duration{})));
}

}  // namespace sstplb::probes
