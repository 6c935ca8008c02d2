// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/latencies.h"

#include <algorithm>
#include <cmath>

namespace sstplb::bench {

double Latencies::Microseconds(double share) {
  if (samples_.empty()) return 0;
  if (sorted_ != samples_.size()) {
    std::sort(samples_.begin(), samples_.end());
    sorted_ = samples_.size();
  }
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted_)));
  return static_cast<double>(samples_[std::clamp<std::size_t>(rank, 1, sorted_) - 1]) / 1000;
}

}  // namespace sstplb::bench
