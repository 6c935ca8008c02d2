// SPDX-License-Identifier: Apache-2.0
#include "lb/rebalance/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "lb/balance/make_policy.h"
#include "lb/session/picker.h"

namespace sstplb::rebalance {
namespace {

using namespace std::chrono_literals;
using config::Balance;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TimePoint kNow = TimePoint(1000s);
const WallTime kToday = WallTime(1000h);

IpAddress Nth(std::uint32_t i) {
  return IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                        static_cast<std::uint8_t>(i)});
}

// A pool whose sessions are where the test puts them.
class Farm {
 public:
  explicit Farm(Balance balance, std::vector<std::uint32_t> weights = {100, 100, 100, 100},
                double max_load = 0) {
    pool_.config.name = "main";
    pool_.config.balance = balance;
    for (const std::uint32_t weight : weights) {
      backend::BackendView& view = pool_.view.backends.emplace_back();
      view.name = "b" + std::to_string(pool_.view.backends.size());
      view.resolved = SocketAddress{};
      view.weight = weight;
      view.load = std::make_shared<backend::BackendLoad>();
    }
    if (balance == Balance::kSourceIp) {
      pool_.sticks = std::make_shared<balance::StickTable>(8h);
    }
    pool_.config.max_load = max_load;
    MakePolicy();
  }

  // For the weights as they are now.
  void MakePolicy() {
    std::vector<balance::Member> members;
    for (const backend::BackendView& view : pool_.view.backends) {
      members.push_back({view.name, view.weight});
    }
    pool_.policy =
        balance::MakePolicy(pool_.config.balance, members, pool_.config.max_load, pool_.sticks);
  }

  session::PoolPlan& pool() { return pool_; }
  backend::BackendView& backend(std::size_t index) { return pool_.view.backends[index]; }

  // Where the policy wants the client now.
  std::optional<std::size_t> Home(const IpAddress& client) const {
    const auto picked =
        session::PickCandidates(pool_, session::KeyFor(pool_, client, std::nullopt, kNow));
    if (picked.empty()) return std::nullopt;
    return picked[0];
  }

  // One session more, silent since the one before it.
  void Put(std::size_t index, const IpAddress& client) {
    const auto id = static_cast<session::SessionId>(placed_.size() + 1);
    placed_.emplace_back(
        index, worker::Placement{
                   .id = id, .client = client, .last_byte = kNow - 1h + std::chrono::seconds(id)});
    ++backend(index).load->active;
    if (pool_.sticks) pool_.sticks->Remember(client, backend(index).name, kNow);
  }
  // By the policy, as they come.
  void Fill(std::uint32_t clients) {
    for (std::uint32_t i = 0; i < clients; ++i) Put(*Home(Nth(i)), Nth(i));
  }

  Plan Make(const MovedClients& moved = MovedClients()) const {
    const auto over_filled = OverFilled(Shares(pool_));
    std::vector<Seated> sessions;
    for (auto [index, placement] : placed_) {
      const auto at = std::ranges::find(over_filled, pool_.view.backends[index].name);
      if (at == over_filled.end()) continue;
      placement.backend = static_cast<std::size_t>(at - over_filled.begin());
      sessions.insert(sessions.begin(), {placement, 0});  // in no good order
    }
    return MakePlan(pool_, over_filled, std::move(sessions), moved, kNow);
  }

 private:
  session::PoolPlan pool_;
  std::vector<std::pair<std::size_t, worker::Placement>> placed_;
};

std::uint32_t Sum(const Plan& plan, std::uint32_t BackendShare::*count) {
  std::uint32_t sum = 0;
  for (const BackendShare& share : plan.backends) sum += share.*count;
  return sum;
}

TEST(RebalanceShares, FollowWeights) {
  Farm farm(Balance::kLeastSessions, {100, 300});
  for (std::uint32_t i = 0; i < 40; ++i) farm.Put(0, Nth(i));
  const auto shares = Shares(farm.pool());
  EXPECT_EQ(shares[0].share, 10);
  EXPECT_EQ(shares[1].share, 30);
  EXPECT_EQ(shares[0].surplus, 29u);  // down to 1.1 times its share
  EXPECT_EQ(shares[1].room, 30u);
  EXPECT_THAT(OverFilled(shares), ElementsAre("b1"));
}

TEST(RebalanceShares, WithinTheToleranceNobodyIsOverFilled) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 110; ++i) farm.Put(0, Nth(i));
  for (std::uint32_t i = 0; i < 90; ++i) farm.Put(1, Nth(1000 + i));
  EXPECT_THAT(OverFilled(Shares(farm.pool())), IsEmpty());
  for (std::uint32_t i = 0; i < 3; ++i) farm.Put(0, Nth(2000 + i));
  EXPECT_THAT(OverFilled(Shares(farm.pool())), ElementsAre("b1"));
  farm.pool().config.rebalance.tolerance = 1.2;
  EXPECT_THAT(OverFilled(Shares(farm.pool())), IsEmpty());
}

TEST(RebalanceShares, WhoGetsNoNewSessionsHasNoShare) {
  const std::vector<std::pair<const char*, void (*)(backend::BackendView&)>> rows = {
      {"drained", [](auto& b) { b.admin = config::AdminState::kDraining; }},
      {"disabled", [](auto& b) { b.admin = config::AdminState::kDisabled; }},
      {"down", [](auto& b) { b.health = backend::Health::kDown; }},
      {"ejected", [](auto& b) { b.ejected = true; }},
      {"without an address", [](auto& b) { b.resolved.reset(); }},
      {"of weight 0", [](auto& b) { b.weight = 0; }},
  };
  for (const auto& [what, change] : rows) {
    Farm farm(Balance::kLeastSessions, {100, 100, 100});
    for (std::uint32_t i = 0; i < 60; ++i) farm.Put(2, Nth(i));
    change(farm.backend(2));
    for (const BackendShare& share : Shares(farm.pool())) {
      EXPECT_EQ(share.surplus, 0u) << what;
      EXPECT_EQ(share.room, 0u) << what;
    }
    // Nor does it take anybody.
    Farm other(Balance::kLeastSessions, {100, 100, 100});
    for (std::uint32_t i = 0; i < 60; ++i) other.Put(0, Nth(i));
    change(other.backend(2));
    other.MakePolicy();
    const Plan plan = other.Make();
    EXPECT_EQ(plan.moves.size(), 27u) << what;
    for (const Move& move : plan.moves) EXPECT_EQ(move.to, "b2") << what;
  }
}

TEST(RebalanceShares, AFullOneHasNoRoom) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 60; ++i) farm.Put(0, Nth(i));
  farm.backend(1).max_sessions = 10;
  EXPECT_EQ(Shares(farm.pool())[1].room, 10u);
  const Plan plan = farm.Make();
  EXPECT_EQ(plan.moves.size(), 10u);
  EXPECT_GT(Sum(plan, &BackendShare::no_room) + Sum(plan, &BackendShare::at_home), 0u);
}

// The clients of a backend that was away sit elsewhere: those and no others are moved, each to it.
TEST(RebalancePlan, AfterAFailureExactlyTheDisplacedGoHome) {
  Farm farm(Balance::kConsistentHash);
  farm.backend(3).health = backend::Health::kDown;
  farm.Fill(1000);
  farm.backend(3).health = backend::Health::kUp;
  const Plan plan = farm.Make();
  EXPECT_GT(plan.moves.size(), 100u);
  std::set<session::SessionId> seen;
  for (const Move& move : plan.moves) {
    EXPECT_EQ(move.to, "b4");
    EXPECT_EQ(farm.Home(move.client), 3u);
    EXPECT_TRUE(seen.insert(move.session).second);
  }
  EXPECT_GT(Sum(plan, &BackendShare::at_home), 0u) << "others were looked at, and left alone";
}

// What the plan says comes true when its clients come back, one after the other.
TEST(RebalancePlan, OncePlayedNobodyIsOverFilledOrMovedAgain) {
  for (const Balance balance :
       {Balance::kConsistentHash, Balance::kLeastSessions, Balance::kSourceIp}) {
    for (const double max_load : {0.0, 1.25}) {
      Farm farm(balance, {100, 50, 100, 200}, max_load);
      farm.backend(2).health = backend::Health::kDown;
      farm.Fill(2000);
      farm.backend(2).health = backend::Health::kUp;
      const auto before = Shares(farm.pool());
      const Plan plan = farm.Make();
      ASSERT_GT(plan.moves.size(), 200u);
      for (const Move& move : plan.moves) {
        const auto from = static_cast<std::size_t>(move.from[1] - '1');
        --farm.backend(from).load->active;
        if (farm.pool().sticks) {
          farm.pool().sticks->Redirect(move.client, move.from, move.to);
          farm.pool().sticks->SessionEnded(move.client, kNow);
        }
        const auto home = farm.Home(move.client);
        ASSERT_TRUE(home);
        EXPECT_EQ(farm.backend(*home).name, move.to);
        ++farm.backend(*home).load->active;
      }
      const auto after = Shares(farm.pool());
      for (std::size_t i = 0; i < after.size(); ++i) {
        EXPECT_LE(after[i].surplus, before[i].surplus);
        EXPECT_LE(after[i].sessions,
                  std::max(before[i].sessions, static_cast<std::uint32_t>(after[i].share + 1)));
      }
      if (balance != Balance::kConsistentHash) {
        EXPECT_THAT(OverFilled(after), IsEmpty());
      }
    }
  }
}

TEST(RebalancePlan, TheLongestSilentGoFirst) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 100; ++i) farm.Put(0, Nth(i));
  const Plan plan = farm.Make();
  ASSERT_EQ(plan.moves.size(), 45u);
  for (std::size_t i = 0; i < plan.moves.size(); ++i) {
    EXPECT_EQ(plan.moves[i].session, i + 1);
  }
}

TEST(RebalancePlan, NobodyIsMovedTwiceADay) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 100; ++i) farm.Put(0, Nth(i));
  MovedClients moved;
  for (std::uint32_t i = 0; i < 40; ++i) moved.Note(Nth(i), kToday);
  const Plan plan = farm.Make(moved);
  ASSERT_EQ(plan.moves.size(), 45u);
  EXPECT_EQ(plan.moves.front().session, 41u);
  EXPECT_EQ(Sum(plan, &BackendShare::moved_lately), 40u);
}

// Who has many sessions is one client all the same.
TEST(RebalancePlan, OfOneAddressOneSessionIsMoved) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 100; ++i) farm.Put(0, Nth(i % 2));
  const Plan plan = farm.Make();
  EXPECT_EQ(plan.moves.size(), 2u);
  EXPECT_NE(plan.moves[0].client, plan.moves[1].client);
}

TEST(RebalancePlan, WhoBelongsThereIsLeftAloneHoweverManyTheyAre) {
  Farm farm(Balance::kConsistentHash);
  std::uint32_t client = 0;
  for (int put = 0; put < 200; ++client) {
    if (farm.Home(Nth(client)) != 0u) continue;
    farm.Put(0, Nth(client));
    ++put;
  }
  const Plan plan = farm.Make();
  EXPECT_THAT(plan.moves, IsEmpty());
  EXPECT_EQ(Sum(plan, &BackendShare::at_home), 200u);
}

TEST(RebalancePlan, ABoundOnLoadMakesThemMovable) {
  Farm farm(Balance::kConsistentHash, {100, 100, 100, 100}, 1.25);
  std::uint32_t client = 0;
  for (int put = 0; put < 200; ++client) {
    const auto picked = session::PickCandidates(
        farm.pool(), session::KeyFor(farm.pool(), Nth(client), std::nullopt, kNow));
    if (put < 8 && picked[0] != 0) continue;
    farm.Put(0, Nth(client));
    ++put;
  }
  const Plan plan = farm.Make();
  EXPECT_GT(plan.moves.size(), 100u);
  std::map<std::string, int> to;
  for (const Move& move : plan.moves) ++to[move.to];
  EXPECT_FALSE(to.contains("b1"));
  for (const auto& [backend, moved] : to) EXPECT_LE(moved, 50) << backend;
}

TEST(RebalancePlan, WhoseTurnItIsIsNotToldBefore) {
  Farm farm(Balance::kRoundRobin, {100, 100});
  for (std::uint32_t i = 0; i < 40; ++i) farm.Put(0, Nth(i));
  const auto turn = farm.Home(Nth(99));
  const Plan plan = farm.Make();
  EXPECT_EQ(plan.moves.size(), 18u);
  EXPECT_EQ(plan.moves.front().to, "");
  EXPECT_NE(farm.Home(Nth(99)), turn) << "the plan took a turn";
}

TEST(RebalancePlan, AOneThatStartsSlowlyGetsNoMoreThanItsShareOfClients) {
  Farm farm(Balance::kLeastSessions, {100, 100});
  for (std::uint32_t i = 0; i < 400; ++i) farm.Put(0, Nth(i));
  farm.pool().config.slow_start = 100s;
  farm.backend(1).ready_since = kNow - 10s;
  const Plan plan = farm.Make();
  EXPECT_GT(plan.moves.size(), 10u);
  EXPECT_LT(plan.moves.size(), 80u);
}

}  // namespace
}  // namespace sstplb::rebalance
