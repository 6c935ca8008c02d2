// RollCall: asks every worker whether it is alive, without waiting for any of them.
//
// A worker answers between two turns of its loop, so the question costs it one wake-up. Who does
// not come round to it is stuck, or has been stopped.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "lb/base/loop.h"
#include "lb/control/ask.h"

namespace sstplb::daemon {

// Belongs to the loop's thread; `loop` and `workers` must outlive it, and `loop` must not run any
// more when it is destroyed.
class RollCall {
 public:
  RollCall(Loop& loop, const control::Workers& workers)
      : loop_(loop), workers_(workers), owes_(workers.size(), false) {}

  // Asks all of them; `all_here` is called on the loop when the last one has answered. False, and
  // nobody is asked, as long as one still owes an answer to the question before.
  bool Begin(std::function<void()> all_here);

  // The indexes of those that owe an answer.
  std::vector<std::size_t> Missing() const;

 private:
  void Answered(std::size_t worker);

  Loop& loop_;
  const control::Workers& workers_;
  std::vector<bool> owes_;
  std::function<void()> all_here_;
};

}  // namespace sstplb::daemon
