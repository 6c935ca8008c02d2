// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/lookup.h"

#include <optional>
#include <string>

#include "lb/backend/name_lookup.h"

namespace sstplb::daemon {

Result<SocketAddress> Resolve(Loop& loop, const HostPort& target) {
  if (const auto address = target.AsAddress()) return *address;
  std::optional<SocketAddress> found;
  std::string error;
  const backend::NameLookup lookup(loop, target.host, {},
                                   [&](const backend::NameLookup::Answer& answer) {
                                     error = answer.error;
                                     if (!answer.addresses.empty()) {
                                       found = SocketAddress{answer.addresses.front(), target.port};
                                     }
                                     loop.Stop();
                                   });
  loop.Run();
  if (found) return *found;
  return Error{"cannot look up " + target.host + ": " + error +
               "; check the name and this host's resolver"};
}

}  // namespace sstplb::daemon
