// Caps and rates per source and per listener.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/limiter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sstplb::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};
const IpAddress kAlice = *IpAddress::Parse("198.51.100.7");
const IpAddress kBob = *IpAddress::Parse("198.51.100.8");

TEST(Limiter, WithoutLimitsEverybodyEntersAndNothingIsHeld) {
  Limiter limiter({});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Sources(), 0u);
}

TEST(Limiter, ASourceHasItsCapAndOthersTheirs) {
  Limiter limiter({.sessions_per_source = 2});
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kSourceSessions);
  EXPECT_EQ(limiter.Enter(kBob, kStart), Admission::kAdmitted);
  limiter.Leave(kAlice);
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  limiter.Leave(kAlice);
  limiter.Leave(kAlice);
  limiter.Leave(kBob);
  EXPECT_EQ(limiter.Sources(), 0u) << "who has no session is forgotten";
}

TEST(Limiter, AnIpv6SourceIsItsSlash64) {
  Limiter limiter({.sessions_per_source = 1});
  EXPECT_EQ(limiter.Enter(*IpAddress::Parse("2001:db8:0:1::1"), kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(*IpAddress::Parse("2001:db8:0:1:ffff::2"), kStart),
            Admission::kSourceSessions);
  EXPECT_EQ(limiter.Enter(*IpAddress::Parse("2001:db8:0:2::1"), kStart), Admission::kAdmitted);
}

TEST(Limiter, ARateAllowsItsBurstAndThenItsPace) {
  Limiter limiter({.rate_per_source = config::Rate{.per_second = 2, .burst = 3}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kSourceRate);
  EXPECT_EQ(limiter.Enter(kAlice, kStart + milliseconds(499)), Admission::kSourceRate);
  EXPECT_EQ(limiter.Enter(kAlice, kStart + milliseconds(500)), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(kAlice, kStart + milliseconds(500)), Admission::kSourceRate);
  EXPECT_EQ(limiter.Enter(kBob, kStart), Admission::kAdmitted);
}

TEST(Limiter, LeavingDoesNotRefillARate) {
  Limiter limiter({.rate_per_source = config::Rate{.per_second = 1, .burst = 1}});
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  limiter.Leave(kAlice);
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kSourceRate);
}

TEST(Limiter, WhoIsRefusedByTheListenersRateDoesNotHoldAPlaceOfItsSource) {
  Limiter limiter({.sessions_per_source = 1, .rate = config::Rate{.per_second = 1, .burst = 1}});
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.Enter(kBob, kStart), Admission::kListenerRate);
  EXPECT_EQ(limiter.Enter(kBob, kStart + seconds(1)), Admission::kAdmitted);
}

TEST(Limiter, AskingDoesNotCount) {
  Limiter limiter({.sessions_per_source = 1, .rate = config::Rate{.per_second = 1, .burst = 1}});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.WouldEnter(kAlice, kStart), Admission::kAdmitted);
  }
  EXPECT_EQ(limiter.Enter(kAlice, kStart), Admission::kAdmitted);
  EXPECT_EQ(limiter.WouldEnter(kAlice, kStart), Admission::kSourceSessions);
  EXPECT_EQ(limiter.WouldEnter(kBob, kStart), Admission::kListenerRate);
}

TEST(Limiter, SourcesThatAreDoneAreSweptSoThatMemoryIsBoundedByTheRate) {
  Limiter limiter({.rate_per_source = config::Rate{.per_second = 10, .burst = 1}});
  TimePoint now = kStart;
  for (std::uint32_t i = 0; i < 400000; ++i) {
    now += milliseconds(1);
    const auto ip =
        IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                       static_cast<std::uint8_t>(i)});
    ASSERT_EQ(limiter.Enter(ip, now), Admission::kAdmitted);
    limiter.Leave(ip);
  }
  EXPECT_LT(limiter.Sources(), 64u * 2048u);
}

TEST(Limiter, CapsHoldWhenWorkersRace) {
  Limiter limiter({.sessions_per_source = 100});
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        if (limiter.Enter(kAlice, kStart) == Admission::kAdmitted) ++admitted;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, 100);
}

}  // namespace
}  // namespace sstplb::session
