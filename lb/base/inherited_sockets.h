// Sockets that the service manager has opened and passed to this process: sd_listen_fds(3).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "lb/base/fd.h"
#include "lb/base/result.h"

namespace sstplb {

// The manager keeps a copy: what is done to the socket itself (options, shutdown) is done to its
// copy as well, and outlives this process.
struct InheritedSocket {
  Fd fd;
  std::string name;  // FileDescriptorName= of the socket unit; else the unit's own name
};

// All of them, in the manager's order; none when nothing was passed to this very process. Takes the
// announcement out of the environment, so that children and a second call find none. Before any
// thread is started. The error says what is wrong with LISTEN_FDS.
Result<std::vector<InheritedSocket>> TakeInheritedSockets();

}  // namespace sstplb
