// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/roll_call.h"

#include <algorithm>
#include <utility>

namespace sstplb::daemon {

bool RollCall::Begin(std::function<void()> all_here) {
  if (!Missing().empty()) return false;
  all_here_ = std::move(all_here);
  owes_.assign(workers_.size(), true);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post(
        [this, &loop = loop_, i](worker::Worker&) { loop.Post([this, i] { Answered(i); }); });
  }
  return true;
}

std::vector<std::size_t> RollCall::Missing() const {
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < owes_.size(); ++i) {
    if (owes_[i]) missing.push_back(i);
  }
  return missing;
}

void RollCall::Answered(std::size_t worker) {
  owes_[worker] = false;
  if (std::ranges::find(owes_, true) != owes_.end()) return;
  // It may begin the next one.
  if (const auto all_here = std::exchange(all_here_, nullptr)) all_here();
}

}  // namespace sstplb::daemon
