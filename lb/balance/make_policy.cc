// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/make_policy.h"

#include <algorithm>
#include <utility>

#include "lb/balance/bounded_load.h"
#include "lb/balance/least_sessions.h"
#include "lb/balance/maglev.h"
#include "lb/balance/round_robin.h"
#include "lb/balance/source_ip.h"

namespace sstplb::balance {

std::unique_ptr<const Policy> MakePolicy(config::Balance balance, std::vector<Member> members,
                                         double max_load, std::shared_ptr<const StickTable> table) {
  switch (balance) {
    case config::Balance::kSourceIp:
      if (!table) table = std::make_shared<StickTable>(Duration::zero());
      return std::make_unique<SourceIp>(std::move(members), std::move(table));
    case config::Balance::kLeastSessions:
      return std::make_unique<LeastSessions>(std::move(members));
    case config::Balance::kRoundRobin:
      return std::make_unique<RoundRobin>(std::move(members));
    case config::Balance::kConsistentHash:
      break;
  }
  auto maglev = std::make_unique<Maglev>(std::move(members));
  if (max_load == 0) return maglev;
  return std::make_unique<BoundedLoad>(std::move(maglev), std::max(max_load, 1.0), kLoadFloor);
}

}  // namespace sstplb::balance
