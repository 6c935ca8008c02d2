// SPDX-License-Identifier: Apache-2.0
#include "lb/control/upgrade_book.h"

#include <utility>

namespace sstplb::control {

void UpgradeBook::BeginUpgrade() {
  upgrading_ = true;
  upgrade_failed_.clear();
}

void UpgradeBook::EndUpgrade(std::string why) {
  upgrading_ = false;
  upgrade_failed_ = std::move(why);
}

void UpgradeBook::TookOver(const TakeoverStatus& takeover) {
  takeover_ = takeover;
  ++totals_.taken;
  totals_.sessions += takeover.sessions;
  totals_.pauses.Observe(takeover.pause);
}

handoff::HandoffCounts UpgradeBook::Counts() const {
  const auto pauses = totals_.pauses.counts();
  const std::chrono::duration<double> sum(totals_.pauses.sum());
  return {.taken = totals_.taken,
          .failed = totals_.failed,
          .sessions = totals_.sessions,
          .pauses = {pauses.begin(), pauses.end()},
          .pause_sum = std::chrono::duration_cast<Duration>(sum)};
}

void UpgradeBook::Restore(const handoff::HandoffCounts& counts) {
  totals_.taken = counts.taken;
  totals_.failed = counts.failed;
  totals_.sessions = counts.sessions;
  totals_.pauses.Restore(counts.pauses, Seconds(counts.pause_sum));
}

void UpgradeBook::Tell(DaemonStatus& status) const {
  status.takeover = takeover_;
  status.handoffs = totals_;
  status.upgrading = upgrading_;
  status.upgrade_failed = upgrade_failed_;
}

}  // namespace sstplb::control
