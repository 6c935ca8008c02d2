// Nesting: refuses texts that would take a TOML parser deeper than its stack reaches.
//
// The parser bounds values in values by itself, but a key a.a.a.a... makes a table of each part.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "lb/config/diagnostic.h"

namespace sstplb::config {

// The most dots that a key may have; the deepest real one, pool.NAME.probe.kind, has three.
inline constexpr int kMostDots = 8;

// Where the first key with more dots than that has one too many; nullopt when there is none. Looks
// only at what is outside of strings and comments. Linear; the text need not be valid TOML.
std::optional<Position> FindDeepKey(std::string_view text);

}  // namespace sstplb::config
