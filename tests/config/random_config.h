// Random valid configurations, for properties that hold for every one of them.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/config/config.h"

namespace sstplb::config {

// The same seed gives the same configuration.
Config RandomConfig(std::uint32_t seed);

}  // namespace sstplb::config
