// A text of metrics for the tests of /metrics, with the daemon left out.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sstplb::testing {

// An exposition with at least one sample of every metric there is.
std::string EveryMetric();

}  // namespace sstplb::testing
