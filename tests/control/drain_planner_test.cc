// SPDX-License-Identifier: Apache-2.0
#include "lb/control/drain_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace sstplb::control {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const TimePoint kStart = TimePoint(1000s);
constexpr Duration kTick = 200ms;

// A drain whose sessions are closed as the planner says, and do not end otherwise.
struct Played {
  DrainCount drain;
  std::optional<Duration> until;           // the deadline, from the start
  std::vector<std::uint32_t> closed = {};  // in each second
};

// Plays `seconds` of ticks; no tick at the very start of which nothing could be due.
void Play(std::vector<Played>& runs, int seconds, std::optional<double> budget = std::nullopt,
          Duration tick = kTick) {
  DrainPlanner planner;
  for (Played& run : runs) run.closed.assign(static_cast<std::size_t>(seconds), 0);
  for (Duration at{}; at <= Duration(seconds * 1s); at += tick) {
    std::vector<DrainCount> counts;
    for (Played& run : runs) {
      if (run.until) run.drain.left = *run.until - at;
      counts.push_back(run.drain);
    }
    const auto due = planner.Plan(kStart + at, budget, counts);
    ASSERT_EQ(due.size(), runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      ASSERT_LE(due[i], runs[i].drain.remaining);
      runs[i].drain.remaining -= due[i];
      // What is closed at a full second belongs to the one that it ends.
      const auto second = at == Duration(0) ? 0 : (at - 1ns) / Duration(1s);
      runs[i].closed[static_cast<std::size_t>(second)] += due[i];
    }
  }
}

std::uint32_t Sum(const std::vector<std::uint32_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0u);
}

TEST(DrainPlanner, WithoutPaceAndDeadlineNothingIsClosed) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 100}}};
  Play(runs, 3);
  EXPECT_EQ(Sum(runs[0].closed), 0u);
}

TEST(DrainPlanner, APaceIsKept) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 12, .pace = 5}},
                              {.drain = {.key = "b", .remaining = 10, .pace = 0.5}},
                              {.drain = {.key = "c", .remaining = 5000, .pace = 700}}};
  Play(runs, 4);
  EXPECT_THAT(runs[0].closed, ElementsAre(5, 5, 2, 0));
  EXPECT_THAT(runs[1].closed, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(runs[2].closed, ElementsAre(700, 700, 700, 700));
}

TEST(DrainPlanner, AWindowIsFilledEvenlyAndTheLastGoesAtItsEnd) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 20}, .until = 4s},
                              {.drain = {.key = "b", .remaining = 1}, .until = 3s},
                              {.drain = {.key = "c", .remaining = 2}, .until = 2s}};
  Play(runs, 5);
  EXPECT_THAT(runs[0].closed, ElementsAre(5, 5, 5, 5, 0));
  EXPECT_THAT(runs[1].closed, ElementsAre(0, 0, 1, 0, 0));
  EXPECT_THAT(runs[2].closed, ElementsAre(1, 1, 0, 0, 0));
}

TEST(DrainPlanner, TheLastOneIsNotClosedBeforeTheDeadline) {
  DrainPlanner planner;
  const auto plan = [&](Duration at) {
    return planner.Plan(kStart + at, std::nullopt,
                        {{.key = "a", .remaining = 1, .left = 10s - at}})[0];
  };
  for (Duration at{}; at < 10s; at += 100ms) EXPECT_EQ(plan(at), 0u) << Seconds(at);
  EXPECT_EQ(plan(10s), 1u);
}

TEST(DrainPlanner, SessionsThatEndByThemselvesSlowAWindowDown) {
  DrainPlanner planner;
  const auto plan = [&](Duration at, std::uint32_t remaining) {
    return planner.Plan(kStart + at, std::nullopt,
                        {{.key = "a", .remaining = remaining, .left = 10s - at}})[0];
  };
  EXPECT_EQ(plan(0s, 100), 0u);
  EXPECT_EQ(plan(1s, 100), 10u);
  // Half of the rest have gone: what is left fills the nine seconds.
  EXPECT_EQ(plan(2s, 45), 5u);
  EXPECT_EQ(plan(3s, 40), 5u);
}

TEST(DrainPlanner, WithAPaceTheRestIsClosedAtTheDeadline) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 50, .pace = 5}, .until = 3s}};
  Play(runs, 4);
  EXPECT_THAT(runs[0].closed, ElementsAre(5, 5, 40, 0));
}

TEST(DrainPlanner, AtADeadlineItIsDoneInPieces) {
  DrainPlanner planner;
  const DrainCount drain{.key = "a", .remaining = 2500, .left = -1s};
  EXPECT_EQ(planner.Plan(kStart, 1.0, {drain})[0], DrainPlanner::kMostAtOnce);
}

TEST(DrainPlanner, AllShareOneBudget) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 100, .pace = 50}},
                              {.drain = {.key = "b", .remaining = 100, .pace = 50}},
                              {.drain = {.key = "c", .remaining = 3, .pace = 50}}};
  Play(runs, 5, 10);
  for (std::size_t second = 0; second < 5; ++second) {
    EXPECT_EQ(runs[0].closed[second] + runs[1].closed[second] + runs[2].closed[second], 10u);
  }
  EXPECT_EQ(Sum(runs[2].closed), 3u);
  EXPECT_NEAR(Sum(runs[0].closed), Sum(runs[1].closed), 2);
}

TEST(DrainPlanner, ABudgetThatIsNotUsedIsNotSaved) {
  DrainPlanner planner;
  const DrainCount drain{.key = "a", .remaining = 100, .pace = 100};
  (void)planner.Plan(kStart, 10.0, {});
  EXPECT_EQ(planner.Plan(kStart + 30s, 10.0, {drain})[0], 0u);
  EXPECT_EQ(planner.Plan(kStart + 30s + 200ms, 10.0, {drain})[0], 5u);  // one, and 400 ms
  EXPECT_EQ(planner.Plan(kStart + 30s + 400ms, 10.0, {drain})[0], 2u);
}

TEST(DrainPlanner, ADeadlineIsStrongerThanTheBudget) {
  std::vector<Played> runs = {{.drain = {.key = "a", .remaining = 40}, .until = 2s}};
  Play(runs, 3, 5);
  EXPECT_THAT(runs[0].closed, ElementsAre(5, 35, 0));
}

TEST(DrainPlanner, WhatWasMissedIsCaughtUpWithOnlySoFar) {
  DrainPlanner planner;
  const DrainCount drain{.key = "a", .remaining = 1000, .pace = 10};
  EXPECT_EQ(planner.Plan(kStart, std::nullopt, {drain})[0], 0u);
  EXPECT_EQ(planner.Plan(kStart + 200ms, std::nullopt, {drain})[0], 2u);
  // Nobody asked for a minute.
  EXPECT_EQ(planner.Plan(kStart + 60s, std::nullopt, {drain})[0], 5u);
  EXPECT_EQ(planner.Plan(kStart + 60s + 200ms, std::nullopt, {drain})[0], 2u);
  // One that is forgotten begins anew.
  (void)planner.Plan(kStart + 61s, std::nullopt, {});
  EXPECT_EQ(planner.Plan(kStart + 62s, std::nullopt, {drain})[0], 0u);
}

TEST(DrainPlanner, Estimates) {
  EXPECT_EQ(EstimateDrain(10, std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(EstimateDrain(0, std::nullopt, std::nullopt), Duration::zero());
  EXPECT_EQ(EstimateDrain(10, 5, std::nullopt), Duration(2s));
  EXPECT_EQ(EstimateDrain(10, 5, 1s), Duration(1s));
  EXPECT_EQ(EstimateDrain(10, std::nullopt, 30s), Duration(30s));
  EXPECT_EQ(EstimateDrain(10, std::nullopt, -1s), Duration::zero());
  EXPECT_EQ(EstimateDrain(4000000000u, 1e-3, std::nullopt), Duration(24h * 365));
}

}  // namespace
}  // namespace sstplb::control
