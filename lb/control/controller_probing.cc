// What the controller tells the prober beyond its targets: which backends have no place to spare.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/controller.h"

namespace sstplb::control {

// Only what has changed since it was last told. One place is left to the next client: a probe that
// took it would turn that client away.
void Controller::TellFull() {
  for (const backend::PoolView& pool : registry_.snapshot()->pools) {
    for (const backend::BackendView& backend : pool.backends) {
      const ProbeBook::Key key(pool.name, backend.name);
      const std::uint32_t active = backend.load->active.load(std::memory_order_relaxed);
      const bool full = backend.max_sessions != 0 && active + 1 >= backend.max_sessions;
      if (full == full_.contains(key)) continue;
      if (full) {
        full_.insert(key);
      } else {
        full_.erase(key);
      }
      probe_thread_.loop().Post([this, key, full] {
        prober_->SetFull({key.first, key.second}, full);
      });
    }
  }
}

}  // namespace sstplb::control
