// Writes a configuration as TOML: the same configuration again when it is read.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "lb/config/config.h"

namespace sstplb::config {

enum class WriteKeys : std::uint8_t {
  kChanged,  // those whose value is not the default, and those that have none
  kAll,
};

// ReadText(WriteToml(config)) == config for every configuration that a reader could have given.
std::string WriteToml(const Config& config, WriteKeys keys = WriteKeys::kChanged);

}  // namespace sstplb::config
