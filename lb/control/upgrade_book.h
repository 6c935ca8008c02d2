// UpgradeBook: what is under way between this process and another, and what came of it before.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "lb/control/api.h"
#include "lb/handoff/messages.h"

namespace sstplb::control {

// Belongs to the control loop.
class UpgradeBook {
 public:
  // Between these nothing is decided here: a process that takes over would not know of it.
  void BeginHandoff() { handing_over_ = true; }
  void EndHandoff() { handing_over_ = false; }
  bool handing_over() const { return handing_over_; }

  // A new process has been started; and it did not take over. That it did is told by itself.
  void BeginUpgrade();
  void EndUpgrade(std::string why);

  // This process has the sessions of another.
  void TookOver(const TakeoverStatus& takeover);
  void NoteFailedHandoff() { ++totals_.failed; }

  // The totals, which go from process to process.
  handoff::HandoffCounts Counts() const;
  void Restore(const handoff::HandoffCounts& counts);

  // Fills in what the status says of all this.
  void Tell(DaemonStatus& status) const;

 private:
  bool handing_over_ = false;
  bool upgrading_ = false;
  std::string upgrade_failed_;
  std::optional<TakeoverStatus> takeover_;
  HandoffTotals totals_;
};

}  // namespace sstplb::control
