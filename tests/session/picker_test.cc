// Picking from a pool of which a backend starts slowly, or is ejected.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/picker.h"

#include <gtest/gtest.h>

#include "lb/balance/make_policy.h"

namespace sstplb::session {
namespace {

using namespace std::chrono_literals;

const TimePoint kBack = TimePoint(1000s);

// Four backends; b1 came back at kBack.
PoolPlan MakePool(config::Balance balance, Duration slow_start) {
  PoolPlan pool;
  pool.config.balance = balance;
  pool.config.slow_start = slow_start;
  std::vector<balance::Member> members;
  for (int i = 1; i <= 4; ++i) {
    backend::BackendView& view = pool.view.backends.emplace_back();
    view.name = "b" + std::to_string(i);
    view.resolved = SocketAddress{};
    view.load = std::make_shared<backend::BackendLoad>();
    members.push_back({view.name, 100});
  }
  pool.view.backends[0].ready_since = kBack;
  pool.policy = balance::MakePolicy(balance, members, 0);
  return pool;
}

constexpr std::uint32_t kClients = 20000;

std::vector<std::size_t> Placement(const PoolPlan& pool, TimePoint now) {
  std::vector<std::size_t> first;
  for (std::uint32_t i = 0; i < kClients; ++i) {
    const auto ip =
        IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                       static_cast<std::uint8_t>(i)});
    first.push_back(PickCandidates(pool, KeyFor(pool, ip, std::nullopt, now))[0]);
  }
  return first;
}

TEST(SlowStart, TheShareGrowsAndNobodyIsMovedTwice) {
  const PoolPlan pool = MakePool(config::Balance::kConsistentHash, 100s);
  const auto in_the_end = Placement(pool, kBack + 100s);
  auto before = Placement(pool, kBack);
  for (const Duration later : {0s, 10s, 25s, 50s, 75s, 99s, 100s, 1000s}) {
    const auto now = Placement(pool, kBack + later);
    const double share = std::clamp(Seconds(later) / 100, balance::kSmallestShare, 1.0);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(now, 0u)), kClients / 4 * share,
                kClients / 100)
        << Seconds(later);
    for (std::uint32_t i = 0; i < kClients; ++i) {
      // The others' clients never move, its own go to it once and for all.
      EXPECT_TRUE(in_the_end[i] == 0 || now[i] == in_the_end[i]);
      EXPECT_TRUE(before[i] != 0 || now[i] == 0);
      EXPECT_TRUE(now[i] == 0 || now[i] == before[i]);
    }
    before = now;
  }
}

TEST(SlowStart, WorksUnderEveryPolicy) {
  for (const auto balance : {config::Balance::kLeastSessions, config::Balance::kRoundRobin}) {
    PoolPlan pool = MakePool(balance, 100s);
    // The others are full of sessions, so that least-sessions would send everybody to b1.
    for (std::size_t i = 1; i < 4; ++i) pool.view.backends[i].load->active = 1000;
    const auto now = Placement(pool, kBack + 10s);
    EXPECT_LE(std::ranges::count(now, 0u), kClients * 11 / 100);
    EXPECT_GT(std::ranges::count(now, 0u), 0);
  }
}

TEST(SlowStart, OneThatStartsSlowlyIsBetterThanNone) {
  PoolPlan pool = MakePool(config::Balance::kConsistentHash, 100s);
  for (std::size_t i = 1; i < 4; ++i) pool.view.backends[i].health = backend::Health::kDown;
  for (const std::size_t first : Placement(pool, kBack)) EXPECT_EQ(first, 0u);
  pool.view.backends[1].health = backend::Health::kUp;
  const auto key = KeyFor(pool, IpAddress::V4({10, 0, 0, 1}), std::nullopt, kBack);
  EXPECT_EQ(PickCandidates(pool, key).size(), 2u) << "for when b2 refuses";
}

// Under every policy, and while a backend starts slowly as well.
TEST(Peek, TellsTheNextPickAndLeavesNoTrace) {
  for (const auto balance : {config::Balance::kConsistentHash, config::Balance::kSourceIp,
                             config::Balance::kLeastSessions, config::Balance::kRoundRobin}) {
    for (const Duration slow_start : {0s, 100s}) {
      const PoolPlan asked = MakePool(balance, slow_start);
      const PoolPlan untouched = MakePool(balance, slow_start);
      for (std::uint8_t i = 1; i <= 20; ++i) {
        const auto key = KeyFor(asked, IpAddress::V4({10, 0, 0, i}), std::nullopt, kBack + 10s);
        for (int times = 0; times < 10; ++times) {
          PeekCandidates(asked, KeyFor(asked, IpAddress::V4({10, 9, i, 1}), std::nullopt, kBack));
        }
        const auto peeked = PeekCandidates(asked, key);
        const auto picked = PickCandidates(asked, key);
        EXPECT_TRUE(std::ranges::equal(peeked, picked));
        EXPECT_EQ(peeked.why(), picked.why());
        EXPECT_TRUE(std::ranges::equal(picked, PickCandidates(untouched, key)));
      }
    }
  }
}

TEST(SlowStart, SwitchedOffItCostsNothing) {
  const PoolPlan pool = MakePool(config::Balance::kConsistentHash, 0s);
  EXPECT_FALSE(AnySlowStart(pool, kBack));
  EXPECT_EQ(Placement(pool, kBack), Placement(pool, kBack + 1000s));
}

TEST(Ejected, OneThatIsEjectedIsBetterThanNone) {
  for (const Duration slow_start : {0s, 100s}) {
    PoolPlan pool = MakePool(config::Balance::kRoundRobin, slow_start);
    const auto key = KeyFor(pool, IpAddress::V4({10, 0, 0, 1}), std::nullopt, kBack);
    auto& backends = pool.view.backends;
    backends[1].ejected = true;
    for (const std::uint16_t index : PickCandidates(pool, key)) EXPECT_NE(index, 1);
    // The others cannot take it, each for a reason of its own.
    backends[0].health = backend::Health::kDown;
    backends[2].max_sessions = 1;
    backends[2].load->active = 1;
    backends[3].admin = config::AdminState::kDraining;
    const auto last = PickCandidates(pool, key);
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0], 1);
    EXPECT_EQ(last.why(), "ejected");
    backends[1].weight = 0;
    EXPECT_TRUE(PickCandidates(pool, key).empty());
  }
}

}  // namespace
}  // namespace sstplb::session
