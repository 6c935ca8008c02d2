// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/snapshot.h"

#include <algorithm>

namespace sstplb::backend {

std::string_view ToString(Health health) {
  constexpr std::string_view kNames[] = {"unknown", "up", "down"};
  return kNames[static_cast<std::size_t>(health)];
}

const BackendView* PoolView::Find(std::string_view backend) const {
  const auto found = std::find_if(backends.begin(), backends.end(),
                                  [&](const BackendView& b) { return b.name == backend; });
  return found == backends.end() ? nullptr : &*found;
}

const PoolView* Snapshot::Find(std::string_view pool) const {
  const auto found =
      std::find_if(pools.begin(), pools.end(), [&](const PoolView& p) { return p.name == pool; });
  return found == pools.end() ? nullptr : &*found;
}

}  // namespace sstplb::backend
