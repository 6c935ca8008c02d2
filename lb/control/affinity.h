// Affinity: what stick tables remember, between its two forms: spans in a running process, times of
// the wall clock in a file.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "lb/backend/snapshot.h"
#include "lb/backend/state_text.h"
#include "lb/control/plan_builder.h"

namespace sstplb::control {

// How many clients a state file has at most, over all pools.
inline constexpr std::size_t kMostClientsKept = 262144;

// For the file, where no session outlives the process: of a client with live ones the time to live
// begins at `now`. Of more than `most` those are left out that would be forgotten first.
std::vector<backend::PoolAffinity> ToAffinity(const std::vector<PoolSticks>& sticks, WallTime now,
                                              std::size_t most = kMostClientsKept);

// Out of the file. Pools and backends that are not in `snapshot` are ignored, and so is what has
// been forgotten by `now`.
std::vector<PoolSticks> ToSticks(const std::vector<backend::PoolAffinity>& affinity,
                                 const backend::Snapshot& snapshot, WallTime now);

}  // namespace sstplb::control
