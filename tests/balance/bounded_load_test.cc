// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/bounded_load.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "lb/balance/maglev.h"
#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

BoundedLoad Bounded(std::vector<Member> members, double max_load) {
  return BoundedLoad(std::make_unique<Maglev>(std::move(members)), max_load);
}

TEST(BoundedLoadTest, WhoIsOverTheBoundComesLastInTheSameOrder) {
  const Maglev maglev(EqualFarm(4));
  const BoundedLoad bounded = Bounded(EqualFarm(4), 1.25);
  for (std::uint32_t i = 0; i < 200; ++i) {
    const auto plain = PickFor(maglev, Client(i), FakeLoads(4));
    const struct {
      const char* name;
      std::vector<std::uint32_t> active;  // by place in the plain order
      std::vector<std::size_t> order;     // places in the plain order
      const char* why;
    } kTable[] = {
        // The bound is ceil(1.25 x (sum + 1) / 4).
        {"nobody is loaded", {0, 0, 0, 0}, {0, 1, 2, 3}, "hash"},
        {"at the bound of 4 with the new one", {3, 3, 3, 3}, {0, 1, 2, 3}, "hash"},
        {"the first is at the bound", {5, 3, 3, 2}, {1, 2, 3, 0}, "max_load"},
        {"the first two are", {9, 9, 2, 2}, {2, 3, 0, 1}, "max_load"},
        {"a later one is", {2, 9, 2, 2}, {0, 2, 3, 1}, "hash"},
        {"one is over all", {0, 0, 100, 0}, {0, 1, 3, 2}, "hash"},
    };
    for (const auto& row : kTable) {
      FakeLoads loads(4);
      for (std::size_t place = 0; place < 4; ++place) {
        loads.active[plain[place]] = row.active[place];
      }
      const auto picked = PickFor(bounded, Client(i), loads);
      ASSERT_EQ(picked.size(), 4u);
      for (std::size_t place = 0; place < 4; ++place) {
        ASSERT_EQ(picked[place], plain[row.order[place]]) << row.name << ", place " << place;
      }
      ASSERT_EQ(picked.why(), row.why) << row.name;
    }
  }
}

// However skewed the clients, every session that is placed finds its backend below the bound.
TEST(BoundedLoadTest, NobodyEverPassesTheBound) {
  const struct {
    const char* name;
    std::vector<Member> members;
    double max_load;
    std::uint32_t clients;
  } kTable[] = {
      {"one client", EqualFarm(5), 1.25, 1},
      {"three clients, weights", Farm({100, 50, 25}), 1.25, 3},
      {"exact balance", EqualFarm(7), 1.0, 2},
      {"loose", EqualFarm(3), 2.0, 1},
      {"many clients", EqualFarm(10), 1.1, 10000},
  };
  for (const auto& row : kTable) {
    const BoundedLoad bounded = Bounded(row.members, row.max_load);
    FakeLoads loads(row.members.size());
    double weight = 0;
    for (const Member& member : row.members) weight += member.weight;
    for (std::uint32_t session = 1; session <= 1000; ++session) {
      const std::size_t index = PickFor(bounded, Client(session % row.clients), loads)[0];
      ++loads.active[index];
      const double bound =
          std::ceil(row.max_load * session * row.members[index].weight / weight - 1e-9);
      ASSERT_LE(loads.active[index], bound) << row.name << " at session " << session;
    }
    EXPECT_EQ(std::accumulate(loads.active.begin(), loads.active.end(), 0u), 1000u);
  }
}

// Takes the members in their order, and counts how often it is asked.
class CountingPolicy final : public Policy {
 public:
  CountingPolicy(std::vector<Member> members, int& picks)
      : Policy(std::move(members)), picks_(picks) {}

  void Pick(const Key&, const LoadView& loads, Candidates& out) const override {
    ++picks_;
    out.Clear();
    for (std::size_t i = 0; i < members().size(); ++i) {
      if (loads.Usable(i)) out.Add(i);
    }
  }
  std::string_view name() const override { return "counting"; }

 private:
  int& picks_;
};

TEST(BoundedLoadTest, ThePolicyIsAskedAgainOnlyWhereSomebodyIsAboveTheBound) {
  int picks = 0;
  const BoundedLoad bounded(std::make_unique<CountingPolicy>(EqualFarm(4), picks), 1.25);
  FakeLoads loads(4);
  loads.active = {3, 3, 3, 3};
  PickFor(bounded, Client(1), loads);
  EXPECT_EQ(picks, 1);
  loads.active[2] = 9;
  EXPECT_EQ(PickFor(bounded, Client(1), loads)[3], 2u);
  EXPECT_EQ(picks, 3);
}

TEST(BoundedLoadTest, OnlyUsableBackendsMakeTheMean) {
  const BoundedLoad bounded = Bounded(EqualFarm(3), 1.0);
  FakeLoads loads(3);
  loads.active = {1000, 2, 3};  // the first is draining
  loads.usable[0] = false;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto picked = PickFor(bounded, Client(i), loads);
    ASSERT_EQ(picked.size(), 2u);
    EXPECT_EQ(picked[0], 1u) << "3 + 1 is over ceil(6 / 2)";
  }
}

// Two sessions of one client on an empty farm: a share of 1.25 x 2 / 3 would send the second away.
TEST(BoundedLoadTest, BelowTheFloorNobodyIsSentAway) {
  const BoundedLoad bounded(std::make_unique<Maglev>(EqualFarm(3)), 1.25, 8);
  FakeLoads loads(3);
  const std::size_t home = PickFor(bounded, Client(1), loads)[0];
  for (std::uint32_t session = 0; session < 8; ++session) {
    ASSERT_EQ(PickFor(bounded, Client(1), loads)[0], home) << session;
    ++loads.active[home];
  }
  EXPECT_NE(PickFor(bounded, Client(1), loads)[0], home);
}

TEST(BoundedLoadTest, NobodyUsable) {
  const BoundedLoad bounded = Bounded(EqualFarm(2), 1.25);
  FakeLoads loads(2);
  loads.usable.assign(2, false);
  EXPECT_TRUE(PickFor(bounded, Client(1), loads).empty());
}

// A load that falls while the pick runs must not make a backend vanish from both halves.
TEST(BoundedLoadTest, LoadsThatChangeDuringThePickHideNobody) {
  class Restless final : public LoadView {
   public:
    std::uint32_t Active(std::size_t) const override { return ++calls_ % 2 == 0 ? 0 : 1000; }
    bool Usable(std::size_t) const override { return true; }

   private:
    mutable std::uint32_t calls_ = 0;
  };
  const BoundedLoad bounded = Bounded(EqualFarm(3), 1.25);
  const Restless loads;
  for (std::uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(PickFor(bounded, Client(i), loads).size(), 3u);
  }
}

}  // namespace
}  // namespace sstplb::balance
