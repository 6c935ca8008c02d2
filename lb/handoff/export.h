// What a worker tells of its sessions, as message bodies of a bounded size.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/handoff/channel.h"
#include "lb/worker/worker.h"

namespace sstplb::handoff {

struct Batch {
  MessageType type = MessageType::kSessions;
  Bytes body;
  std::vector<int> fds;  // the worker's own
  std::uint32_t records = 0;
};

// Sessions of one message that brings descriptors.
inline constexpr std::size_t kSessionsPerBatch = 100;

using SessionIds = std::unordered_set<session::SessionId>;

// On the worker's thread, as both of these: the identities of those of `ids` that relay, who are
// added to `relaying`. At most kSessionsPerBatch ids.
Batch ExportIdentities(worker::Worker& worker, std::span<const session::SessionId> ids,
                       std::vector<session::SessionId>& relaying);
struct Moved {
  std::vector<Batch> batches;
  std::uint64_t last_session = 0;  // the count of the worker's latest id
};

// Everything that moved, and the identities of those that are not in `told`, in the order in which
// it is to be sent.
Moved ExportMoved(worker::Worker& worker, const SessionIds& told, bool observer);

}  // namespace sstplb::handoff
