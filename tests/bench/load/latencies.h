// Latencies: what was measured, kept whole, and its percentiles.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "lb/base/time.h"

namespace sstplb::bench {

class Latencies {
 public:
  void Add(Duration latency) { samples_.push_back(latency.count()); }
  std::size_t count() const { return samples_.size(); }

  // The smallest latency that this share of all (0 < share <= 1) do not exceed, in microseconds; 0
  // if there are none. Sorts what has been added.
  double Microseconds(double share);

 private:
  std::vector<std::int64_t> samples_;  // ns
  std::size_t sorted_ = 0;             // so many were in order at the last look
};

}  // namespace sstplb::bench
