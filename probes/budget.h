// Budget: how many probes one address may get, over time: a bucket of tokens.
//
// Servers treat a probe as a client: SoftEther writes 7 to 8 lines for each, accel-ppp counts it as
// a session that is starting. Pure. tests/probes/budget_test.cc is its table.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/time.h"
#include "lb/config/config.h"

namespace sstplb::probes {

class Budget {
 public:
  // Full at first.
  Budget(const config::Rate& rate, TimePoint now);

  // What is left stays, up to the new burst.
  void SetRate(const config::Rate& rate, TimePoint now);
  // Takes one token when there is one.
  bool Take(TimePoint now);
  // When there is one; `now` when there is one already.
  TimePoint NextAt(TimePoint now) const;

 private:
  double LeftAt(TimePoint now) const;

  config::Rate rate_;
  double left_;
  TimePoint at_;  // when left_ was counted
};

}  // namespace sstplb::probes
