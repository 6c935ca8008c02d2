// What the two sides of a handoff (handoff_side.h, takeover_side.h) both speak of.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "lb/handoff/messages.h"
#include "lb/worker/worker.h"

namespace sstplb::handoff {

using Workers = std::vector<std::unique_ptr<worker::Worker>>;

// Everything that is handed over but the sessions.
struct Estate {
  std::vector<OfferedSocket> sockets;  // copies of the descriptors
  State state;
};

}  // namespace sstplb::handoff
