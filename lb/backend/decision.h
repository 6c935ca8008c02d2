// Decision: what the operator decided about one backend at run time, over what the file says.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lb/config/config.h"

namespace sstplb::backend {

struct Decision {
  std::string pool;
  std::string backend;

  std::optional<config::Backend> added;  // the whole backend, when the file does not have it
  bool removed = false;                  // gone, although the file has it
  std::optional<config::AdminState> admin;
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> max_sessions;
  std::optional<WallTime> drain_deadline;  // while draining: when the rest is closed

  bool operator==(const Decision&) const = default;
};

}  // namespace sstplb::backend
