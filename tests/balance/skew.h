// Clients whose sources are unequal, as behind carrier-grade NAT, and a farm that they come to and
// leave: what the tests of balance under skew share. One thread, no socket; the same seed gives the
// same crowd on every machine.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "lb/balance/policy.h"
#include "lb/balance/stick_table.h"
#include "tests/balance/farm.h"

namespace sstplb::balance {

// Sessions of each source, most first; they add up to `sessions`, and nobody has none.
using Skew = std::vector<std::uint32_t>;
Skew TenthHoldsHalf(std::uint32_t sessions, std::uint32_t sources);  // by a power law
Skew OneHasAFifth(std::uint32_t sessions, std::uint32_t sources);    // and all others are alike
Skew AllAreOne(std::uint32_t sessions, std::uint32_t sources);

std::uint32_t OfTheFirst(const Skew& skew, std::size_t sources);  // their sessions

// As rand() % end, but everywhere the same.
std::size_t Draw(std::mt19937_64& chance, std::size_t end);

// A number for the source of each session (for Client()), in the order they come.
std::vector<std::uint32_t> Arrivals(const Skew& skew, std::mt19937_64& chance);

// Sessions on a farm. A new one is placed by the policy and counted at once.
class Crowd {
 public:
  // `policy` outlives it. `sticks`: the table that source-ip looks at, or null.
  explicit Crowd(const Policy& policy, StickTable* sticks = nullptr);

  // Called after every arrival: whose session it is, and the backend that got it.
  std::function<void(std::uint32_t, std::size_t)> on_arrival;

  void Arrive(std::uint32_t source);
  // The source whose session it was.
  std::uint32_t EndOldest() { return End(0); }
  std::uint32_t EndAny(std::mt19937_64& chance) { return End(Draw(chance, sessions_.size())); }
  // Every session ends once, the oldest first, and its source comes again.
  void TurnOver();
  // The backend cannot be used any more; the sources of the sessions that it had.
  std::vector<std::uint32_t> Leave(std::size_t backend);
  void Return(std::size_t backend) { loads_.usable[backend] = true; }

  std::size_t size() const { return sessions_.size(); }
  const FakeLoads& loads() const { return loads_; }
  // The fullest usable backend for its weight, by the mean of usable ones.
  double Spread() const;
  // The share of sessions that are not where `homes`, empty of sessions, would place them.
  double Away(const Policy& homes) const;
  // Of the sources with more than one session, the share that is on more than one backend.
  double Split() const;

 private:
  struct Session {
    std::uint32_t source = 0;
    std::size_t backend = 0;
  };

  std::uint32_t End(std::size_t index);
  void Uncount(const Session& session);

  const Policy& policy_;
  StickTable* const sticks_;
  FakeLoads loads_;
  std::deque<Session> sessions_;  // the oldest first
};

}  // namespace sstplb::balance
