// Balance under skew: sources that hold very unequal numbers of sessions, which come, go and come
// back, while a backend leaves and returns. What max_load promises is looked at with every single
// session; what it costs in affinity is printed (docs/balance.md has the figures).
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/balance/skew.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "lb/balance/bounded_load.h"
#include "lb/balance/maglev.h"
#include "lb/balance/make_policy.h"

namespace sstplb::balance {
namespace {

using config::Balance;

// What max_load allows, in the words of the documentation: by what is open, the new one included.
std::uint32_t Allowed(const Policy& policy, const FakeLoads& loads, double max_load,
                      std::size_t backend) {
  double sessions = 0;
  double weight = 0;
  for (std::size_t i = 0; i < loads.active.size(); ++i) {
    if (!loads.usable[i]) continue;
    sessions += loads.active[i];
    weight += policy.members()[i].weight;
  }
  const double share = max_load * sessions * policy.members()[backend].weight / weight;
  return std::max(kLoadFloor, static_cast<std::uint32_t>(std::ceil(share - 1e-9)));
}

// The naive twin of BoundedLoad: the first in the order of the hash that is not above what it may
// have, with the loads as they are after `got` has the session.
std::size_t FirstThatMay(const Policy& hash, std::uint32_t source, const FakeLoads& loads,
                         double max_load, std::size_t got) {
  for (const std::size_t i : PickFor(hash, Client(source), loads)) {
    if (loads.active[i] + (i == got ? 0 : 1) <= Allowed(hash, loads, max_load, i)) return i;
  }
  return loads.active.size();
}

struct Scene {
  const char* name;
  std::vector<Member> members;
  Skew (*skew)(std::uint32_t sessions, std::uint32_t sources);
};

std::vector<Scene> Scenes() {
  return {
      {"a tenth, four alike", EqualFarm(4), TenthHoldsHalf},
      {"a tenth, ten alike", EqualFarm(10), TenthHoldsHalf},
      {"a tenth, weights", Farm({100, 100, 50, 25}), TenthHoldsHalf},
      {"a fifth, four alike", EqualFarm(4), OneHasAFifth},
      {"a fifth, ten alike", EqualFarm(10), OneHasAFifth},
      {"a fifth, weights", Farm({10, 200, 100, 100, 1}), OneHasAFifth},
      {"one source", EqualFarm(5), AllAreOne},
  };
}

constexpr std::uint32_t kSessions = 2000;
constexpr std::uint32_t kSources = 400;

TEST(SkewTest, TheCrowdsAreAsSkewedAsTheySay) {
  for (const std::uint32_t sessions : {kSessions, 4800u}) {
    const Skew tenth = TenthHoldsHalf(sessions, kSources);
    EXPECT_EQ(OfTheFirst(tenth, kSources), sessions);
    EXPECT_NEAR(2 * OfTheFirst(tenth, kSources / 10), sessions, 10);
    EXPECT_GE(*std::min_element(tenth.begin(), tenth.end()), 1u);
    const Skew fifth = OneHasAFifth(sessions, kSources);
    EXPECT_EQ(OfTheFirst(fifth, kSources), sessions);
    EXPECT_EQ(OfTheFirst(fifth, 1), sessions / 5);
    EXPECT_LE(*std::max_element(fifth.begin() + 1, fifth.end()), sessions / kSources);
  }
}

// Through a whole life of the farm every session goes to the first in the order of the hash that
// max_load has room at, and while nobody leaves no backend is ever above it.
TEST(SkewTest, MaxLoadHoldsWithEverySession) {
  for (const Scene& scene : Scenes()) {
    for (const double max_load : {1.0, 1.1, 1.25, 2.0}) {
      SCOPED_TRACE(scene.name + std::string(", max_load ") + std::to_string(max_load));
      std::mt19937_64 chance(7);
      const auto policy = MakePolicy(Balance::kConsistentHash, scene.members, max_load);
      Crowd crowd(*policy);
      const Maglev hash(scene.members);
      bool all = true;  // whether all backends are within the bound, or only who gets a session
      crowd.on_arrival = [&](std::uint32_t source, std::size_t backend) {
        ASSERT_EQ(FirstThatMay(hash, source, crowd.loads(), max_load, backend), backend);
        for (std::size_t i = 0; i < scene.members.size(); ++i) {
          if (!all && i != backend) continue;
          ASSERT_LE(crowd.loads().active[i], Allowed(*policy, crowd.loads(), max_load, i))
              << "backend " << i << " with " << crowd.size() << " sessions on all";
        }
      };
      const auto order = Arrivals(scene.skew(kSessions, kSources), chance);
      for (const std::uint32_t source : order) crowd.Arrive(source);

      all = false;
      // Clients come and go, the same and others.
      for (std::uint32_t i = 0; i < kSessions; ++i) {
        const std::uint32_t gone = crowd.EndAny(chance);
        crowd.Arrive(i % 2 == 0 ? gone : order[Draw(chance, order.size())]);
      }
      // Half of them go home, and come back in the morning.
      std::vector<std::uint32_t> home;
      while (crowd.size() > kSessions / 2) home.push_back(crowd.EndAny(chance));
      for (const std::uint32_t source : home) crowd.Arrive(source);

      const std::vector<std::uint32_t> lost = crowd.Leave(1);
      for (const std::uint32_t source : lost) crowd.Arrive(source);
      crowd.TurnOver();
      EXPECT_EQ(crowd.loads().active[1], 0u);
      crowd.Return(1);
      crowd.TurnOver();
      EXPECT_GT(crowd.loads().active[1], 0u);
      // Each was placed anew while as many were open: nobody is above the bound any more.
      for (std::size_t i = 0; i < scene.members.size(); ++i) {
        EXPECT_LE(crowd.loads().active[i], Allowed(*policy, crowd.loads(), max_load, i)) << i;
      }
    }
  }
}

// Workers that pick at the same moment do not see each other's session yet: each but the last may
// go one too far, and no further, since the counts are shared.
TEST(SkewTest, WorkersThatPickAtOnceGoOneTooFarEach) {
  for (const Scene& scene : Scenes()) {
    for (const std::uint32_t workers : {1u, 2u, 8u}) {
      SCOPED_TRACE(scene.name + std::string(", workers: ") + std::to_string(workers));
      std::mt19937_64 chance(7);
      const auto policy = MakePolicy(Balance::kConsistentHash, scene.members, 1.25);
      FakeLoads loads(scene.members.size());
      const auto order = Arrivals(scene.skew(kSessions, kSources), chance);
      for (std::size_t at = 0; at + workers <= order.size(); at += workers) {
        std::vector<std::size_t> picked;
        for (std::uint32_t i = 0; i < workers; ++i) {
          picked.push_back(PickFor(*policy, Client(order[at + i]), loads)[0]);
        }
        for (const std::size_t backend : picked) ++loads.active[backend];
        for (std::size_t i = 0; i < scene.members.size(); ++i) {
          ASSERT_LE(loads.active[i], Allowed(*policy, loads, 1.25, i) + workers - 1) << at;
        }
      }
    }
  }
}

// A crowd that has come, under one policy of the configuration.
struct Settled {
  Settled(Balance balance, const std::vector<Member>& members, double max_load, const Skew& skew,
          std::uint64_t seed)
      : sticks(std::make_shared<StickTable>(std::chrono::hours(8))),
        policy(MakePolicy(balance, members, max_load, sticks)),
        crowd(*policy, sticks.get()) {
    std::mt19937_64 chance(seed);
    for (const std::uint32_t source : Arrivals(skew, chance)) crowd.Arrive(source);
  }

  const std::shared_ptr<StickTable> sticks;
  const std::unique_ptr<const Policy> policy;
  Crowd crowd;
};

TEST(SkewTest, WithoutABoundTheSkewShows) {
  const Skew skew = OneHasAFifth(kSessions, kSources);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Settled plain(Balance::kConsistentHash, EqualFarm(10), 0, skew, seed);
    // A fifth of all is twice the mean of ten.
    EXPECT_GE(plain.crowd.Spread(), 2.0);
    EXPECT_EQ(plain.crowd.Split(), 0.0);
    EXPECT_EQ(plain.crowd.Away(*plain.policy), 0.0);
    // The same clients on the same farm, and max_load.
    Settled bounded(Balance::kConsistentHash, EqualFarm(10), 1.25, skew, seed);
    EXPECT_LE(bounded.crowd.Spread(), 1.25 + 10.0 / kSessions);
    EXPECT_GT(bounded.crowd.Away(*plain.policy), 0.0);
  }
}

// max_load is for consistent-hash alone: to the others it makes no difference.
TEST(SkewTest, TheOtherPoliciesKeepTheirOwnPromise) {
  for (const double max_load : {0.0, 1.1}) {
    const Skew skew = OneHasAFifth(kSessions, kSources);
    for (const std::vector<Member>& members : {EqualFarm(10), Farm({100, 100, 50, 25})}) {
      double weight = 0;
      for (const Member& member : members) weight += member.weight;
      Settled least(Balance::kLeastSessions, members, max_load, skew, 3);
      Settled turns(Balance::kRoundRobin, members, max_load, skew, 3);
      for (std::size_t i = 0; i < members.size(); ++i) {
        const double fair = kSessions * members[i].weight / weight;
        EXPECT_NEAR(least.crowd.loads().active[i], fair, 2);
        EXPECT_NEAR(turns.crowd.loads().active[i], fair, 2);
      }
      Settled sticky(Balance::kSourceIp, members, max_load, skew, 3);
      EXPECT_EQ(sticky.crowd.Split(), 0.0) << "a source is remembered from its first session on";
      const auto& active = sticky.crowd.loads().active;
      EXPECT_GE(*std::max_element(active.begin(), active.end()), kSessions / 5)
          << "and a backend has the one that has a fifth";
    }
  }
}

// A backend that comes back gets its own clients back: all of them without a bound, and with one
// about as many as were there before it went.
TEST(SkewTest, AReturnLeavesAffinityAsItWas) {
  for (const Scene& scene : Scenes()) {
    SCOPED_TRACE(scene.name);
    const Maglev homes(scene.members);
    for (const double max_load : {0.0, 1.25}) {
      Settled settled(Balance::kConsistentHash, scene.members, max_load,
                      scene.skew(kSessions, kSources), 5);
      const double before = settled.crowd.Away(homes);
      for (const std::uint32_t source : settled.crowd.Leave(0)) settled.crowd.Arrive(source);
      settled.crowd.TurnOver();
      settled.crowd.Return(0);
      settled.crowd.TurnOver();
      settled.crowd.TurnOver();
      const double after = settled.crowd.Away(homes);
      EXPECT_LE(after, max_load == 0 ? 0.0 : before + 0.05);
    }
  }
}

// The median and the worst of many draws.
struct Draws {
  std::vector<double> values;
  double At(double part) const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  }
};

// Beside one that comes back empty the others are above the bound, so it gets more than its own
// clients at first: what slow_start is for.
TEST(SkewTest, AReturnIsFilledFirst) {
  constexpr int kFirst = 200;
  const auto first_to_it = [](double max_load, std::uint64_t seed) {
    Settled settled(Balance::kConsistentHash, EqualFarm(4), max_load, TenthHoldsHalf(4800, 1000),
                    seed);
    for (const std::uint32_t source : settled.crowd.Leave(0)) settled.crowd.Arrive(source);
    settled.crowd.TurnOver();
    settled.crowd.Return(0);
    std::mt19937_64 chance(seed);
    for (int i = 0; i < kFirst; ++i) settled.crowd.Arrive(settled.crowd.EndAny(chance));
    return 100.0 * settled.crowd.loads().active[0] / kFirst;
  };
  std::printf("| max_load | of the first %d sessions, to the one that is back |\n", kFirst);
  Draws plain;
  Draws bounded;
  for (std::uint64_t seed = 1; seed <= 9; ++seed) {
    plain.values.push_back(first_to_it(0, seed));
    bounded.values.push_back(first_to_it(1.25, seed));
    EXPECT_GT(bounded.values.back(), plain.values.back());
  }
  std::printf("| 0 | %.0f %%, %.0f %% |\n", plain.At(0.5), plain.At(1));
  std::printf("| 1.25 | %.0f %%, %.0f %% |\n", bounded.At(0.5), bounded.At(1));
}

// Other addresses, another luck of the hash: what a farm has to reckon with, as a table. The limits
// are there so that a change for the worse is seen.
TEST(SkewTest, FiguresOfManyDraws) {
  struct Row {
    const char* name;
    Balance balance;
    double max_load;
    double most_away;  // from home, in percent of the sessions and in the worst draw
  };
  constexpr Row kHash0 = {"consistent-hash, max_load = 0", Balance::kConsistentHash, 0, 0};
  constexpr Row kHash150 = {"consistent-hash, max_load = 1.5", Balance::kConsistentHash, 1.5, 20};
  constexpr Row kHash125 = {"consistent-hash, max_load = 1.25", Balance::kConsistentHash, 1.25, 25};
  constexpr Row kHash110 = {"consistent-hash, max_load = 1.1", Balance::kConsistentHash, 1.1, 30};
  constexpr Row kSourceIp = {"source-ip", Balance::kSourceIp, 0, 100};
  const struct {
    const char* name;
    Skew skew;
  } skews[] = {{"a tenth has half", TenthHoldsHalf(4800, 1000)},
               {"one has a fifth", OneHasAFifth(4800, 1000)}};
  std::printf("| skew | backends | policy | max/mean | away from home | sources split |\n");
  for (const auto& skew : skews) {
    for (const std::size_t backends : {std::size_t{4}, std::size_t{10}}) {
      const Maglev homes(EqualFarm(backends));
      for (const Row& row : {kHash0, kHash150, kHash125, kHash110, kSourceIp}) {
        Draws spread;
        Draws away;
        Draws split;
        for (std::uint64_t seed = 1; seed <= 9; ++seed) {
          Settled settled(row.balance, EqualFarm(backends), row.max_load, skew.skew, seed);
          spread.values.push_back(settled.crowd.Spread());
          away.values.push_back(100 * settled.crowd.Away(homes));
          split.values.push_back(100 * settled.crowd.Split());
        }
        std::printf("| %s | %zu | %s | %.2f, %.2f | %.1f %%, %.1f %% | %.1f %%, %.1f %% |\n",
                    skew.name, backends, row.name, spread.At(0.5), spread.At(1), away.At(0.5),
                    away.At(1), split.At(0.5), split.At(1));
        EXPECT_LE(away.At(1), row.most_away) << row.name;
        const double most = row.max_load > 0 ? row.max_load + 0.01 : 100;
        EXPECT_LE(spread.At(1), most) << row.name;
      }
    }
  }
}

}  // namespace
}  // namespace sstplb::balance
