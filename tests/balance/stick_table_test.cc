// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/stick_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace sstplb::balance {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::Optional;

constexpr Duration kTtl = hours(8);
const TimePoint kStart = TimePoint() + hours(1000);

IpAddress Ip(const char* text) { return IpAddress::Parse(text).value(); }

IpAddress Nth(std::uint32_t i) {
  return IpAddress::V4({10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                        static_cast<std::uint8_t>(i)});
}

TEST(StickTableTest, ForgetsAfterTheLastSessionOnly) {
  StickTable table(kTtl);
  const IpAddress source = Ip("192.0.2.1");
  EXPECT_EQ(table.Lookup(source, kStart), std::nullopt);

  ASSERT_TRUE(table.Remember(source, "vpn1", kStart));
  ASSERT_TRUE(table.Remember(source, "vpn1", kStart));
  EXPECT_THAT(table.Lookup(source, kStart + 10 * kTtl), Optional(std::string("vpn1")));

  table.SessionEnded(source, kStart + 10 * kTtl);
  EXPECT_THAT(table.Lookup(source, kStart + 20 * kTtl), Optional(std::string("vpn1")))
      << "one session lives on";

  const TimePoint end = kStart + 20 * kTtl;
  table.SessionEnded(source, end);
  EXPECT_THAT(table.Lookup(source, end + kTtl - nanoseconds(1)), Optional(std::string("vpn1")));
  EXPECT_EQ(table.Lookup(source, end + kTtl), std::nullopt);
}

TEST(StickTableTest, ARedirectedClientIsRememberedElsewhere) {
  StickTable table(kTtl);
  const IpAddress source = Ip("192.0.2.1");
  table.Remember(source, "vpn1", kStart);
  const auto changes = table.changes();
  table.Redirect(source, "vpn1", "vpn2");
  EXPECT_GT(table.changes(), changes);
  EXPECT_THAT(table.Lookup(source, kStart), Optional(std::string("vpn2")));
  table.Redirect(source, "vpn1", "vpn3");  // it is not there any more
  EXPECT_THAT(table.Lookup(source, kStart), Optional(std::string("vpn2")));
  table.Redirect(Ip("192.0.2.2"), "vpn1", "vpn3");
  EXPECT_EQ(table.Lookup(Ip("192.0.2.2"), kStart), std::nullopt);
  table.SessionEnded(source, kStart);
  EXPECT_EQ(table.Lookup(source, kStart + kTtl), std::nullopt);
}

TEST(StickTableTest, ComingBackKeepsTheEntry) {
  StickTable table(kTtl);
  const IpAddress source = Ip("192.0.2.1");
  table.Remember(source, "vpn1", kStart);
  table.SessionEnded(source, kStart);
  table.Remember(source, "vpn1", kStart + seconds(1));
  table.Expire(kStart + 2 * kTtl);
  EXPECT_THAT(table.Lookup(source, kStart + 2 * kTtl), Optional(std::string("vpn1")));
  EXPECT_EQ(table.Size(), 1u);
}

TEST(StickTableTest, TheLastBackendCounts) {
  StickTable table(kTtl);
  const IpAddress source = Ip("192.0.2.1");
  table.Remember(source, "vpn1", kStart);
  table.Remember(source, "vpn2", kStart);
  EXPECT_THAT(table.Lookup(source, kStart), Optional(std::string("vpn2")));
}

TEST(StickTableTest, AnIpv6SourceIsItsNetworkOf64Bits) {
  StickTable table(kTtl);
  table.Remember(Ip("2001:db8::1"), "vpn1", kStart);
  EXPECT_TRUE(table.Lookup(Ip("2001:db8::ffff"), kStart));
  EXPECT_FALSE(table.Lookup(Ip("2001:db8:0:1::1"), kStart));
  table.SessionEnded(Ip("2001:db8::2"), kStart);
  EXPECT_FALSE(table.Lookup(Ip("2001:db8::1"), kStart + kTtl));
}

TEST(StickTableTest, TooManyEndsDoNoHarm) {
  StickTable table(kTtl);
  const IpAddress source = Ip("192.0.2.1");
  table.SessionEnded(source, kStart);
  EXPECT_EQ(table.Size(), 0u);
  table.Remember(source, "vpn1", kStart);
  for (int i = 0; i < 3; ++i) table.SessionEnded(source, kStart + seconds(i));
  EXPECT_FALSE(table.Lookup(source, kStart + kTtl)) << "the first end counts";
}

TEST(StickTableTest, WhenFullTheOneIdleForLongestMakesWay) {
  StickTable table(kTtl, 3, 1);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(table.Remember(Nth(i), "vpn1", kStart));
  EXPECT_FALSE(table.Remember(Nth(3), "vpn1", kStart)) << "all have sessions";
  EXPECT_EQ(table.Size(), 3u);

  table.SessionEnded(Nth(1), kStart + seconds(1));
  table.SessionEnded(Nth(0), kStart + seconds(2));
  EXPECT_TRUE(table.Remember(Nth(3), "vpn1", kStart + seconds(3)));
  EXPECT_FALSE(table.Lookup(Nth(1), kStart + seconds(3)));
  EXPECT_TRUE(table.Lookup(Nth(0), kStart + seconds(3)));
  EXPECT_TRUE(table.Remember(Nth(4), "vpn1", kStart + seconds(3)));
  EXPECT_FALSE(table.Lookup(Nth(0), kStart + seconds(3)));
  EXPECT_FALSE(table.Remember(Nth(5), "vpn1", kStart + seconds(3)));
  EXPECT_TRUE(table.Lookup(Nth(2), kStart + seconds(3))) << "never one with a session";

  table.SessionEnded(Nth(5), kStart + seconds(4));  // of the one that was not remembered
  EXPECT_EQ(table.Size(), 3u);
}

TEST(StickTableTest, ExpireDropsWhatLookupNoLongerSees) {
  StickTable table(kTtl);
  for (std::uint32_t i = 0; i < 100; ++i) {
    table.Remember(Nth(i), "vpn1", kStart);
    if (i % 2 == 0) table.SessionEnded(Nth(i), kStart + seconds(i));
  }
  table.Expire(kStart + kTtl + seconds(49));
  EXPECT_EQ(table.Size(), 75u);
  table.Expire(kStart + 2 * kTtl);
  EXPECT_EQ(table.Size(), 50u);
}

TEST(StickTableTest, ANewTimeToLiveHoldsForAll) {
  StickTable table(kTtl);
  table.Remember(Nth(1), "vpn1", kStart);
  table.SessionEnded(Nth(1), kStart);
  table.SetTtl(seconds(10));
  EXPECT_TRUE(table.Lookup(Nth(1), kStart + seconds(9)));
  EXPECT_FALSE(table.Lookup(Nth(1), kStart + seconds(10)));
  table.SetTtl(2 * kTtl);
  EXPECT_TRUE(table.Lookup(Nth(1), kStart + kTtl));
}

std::vector<StickEntry> Sorted(std::vector<StickEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.source < b.source; });
  return entries;
}

TEST(StickTableTest, WhatIsExportedCanBeRestoredElsewhere) {
  StickTable table(kTtl);
  table.Remember(Nth(1), "vpn1", kStart);  // lives
  table.Remember(Nth(2), "vpn2", kStart);
  table.SessionEnded(Nth(2), kStart);
  table.Remember(Nth(3), "vpn3", kStart);
  table.SessionEnded(Nth(3), kStart + hours(1));
  table.Remember(Nth(4), "vpn4", kStart - 2 * kTtl);
  table.SessionEnded(Nth(4), kStart - 2 * kTtl);  // expired
  const TimePoint now = kStart + hours(2);
  const auto entries = Sorted(table.Export(now));
  EXPECT_THAT(entries, ElementsAre(StickEntry{Nth(1), "vpn1", 1, kTtl},
                                   StickEntry{Nth(2), "vpn2", 0, hours(6)},
                                   StickEntry{Nth(3), "vpn3", 0, hours(7)}));

  // Another clock, another number of shards.
  const TimePoint other_now = kStart - hours(500);
  StickTable other(kTtl, 100, 3);
  other.Restore(entries, other_now);
  EXPECT_EQ(Sorted(other.Export(other_now)), entries);
  EXPECT_FALSE(other.Lookup(Nth(2), other_now + hours(6)));
  EXPECT_TRUE(other.Lookup(Nth(3), other_now + hours(6)));
  other.Expire(other_now + hours(6));
  EXPECT_EQ(other.Size(), 2u);
  other.SessionEnded(Nth(1), other_now);
  EXPECT_FALSE(other.Lookup(Nth(1), other_now + kTtl));
}

TEST(StickTableTest, RestoreGivesWay) {
  StickTable table(kTtl, 2, 1);
  table.Remember(Nth(1), "here", kStart);
  table.Restore({{Nth(1), "there", 0, hours(1)},
                 {Nth(2), "there", 0, 100 * kTtl},
                 {Nth(3), "there", 0, Duration(-1)},
                 {Nth(4), "there", 0, 200 * kTtl}},
                kStart);
  EXPECT_THAT(table.Lookup(Nth(1), kStart), Optional(std::string("here")));
  EXPECT_EQ(table.Size(), 2u);
  EXPECT_FALSE(table.Lookup(Nth(3), kStart));
  EXPECT_FALSE(table.Lookup(Nth(2), kStart + kTtl)) << "cut to the time to live";
}

TEST(StickTableTest, ChangesCountWhatAnExportWouldTell) {
  StickTable table(kTtl);
  EXPECT_EQ(table.changes(), 0u);
  table.Remember(Nth(1), "vpn1", kStart);
  const auto remembered = table.changes();
  EXPECT_GT(remembered, 0u);
  table.Lookup(Nth(1), kStart);
  table.SessionEnded(Nth(2), kStart);
  EXPECT_EQ(table.changes(), remembered) << "nothing has changed";
  table.SessionEnded(Nth(1), kStart);
  EXPECT_GT(table.changes(), remembered);
}

// Sessions of few sources come and go on many threads: no count is lost, and the table stays within
// its bound while others read it.
TEST(StickTableTest, ManyThreads) {
  constexpr int kThreads = 4;
  constexpr std::uint32_t kRounds = 5000;
  constexpr std::uint32_t kSources = 64;
  StickTable table(seconds(10), 48, 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&table, t] {
      const std::string backend = "vpn" + std::to_string(t);
      for (std::uint32_t i = 0; i < kRounds; ++i) {
        const IpAddress source = Nth((i * 7 + static_cast<std::uint32_t>(t)) % kSources);
        const TimePoint now = kStart + seconds(i);
        const bool remembered = table.Remember(source, backend, now);
        const auto found = table.Lookup(source, now);
        if (remembered && !found) ADD_FAILURE() << "lost while its session lives";
        if (remembered) table.SessionEnded(source, now);
        if (i % 64 == 0) table.Expire(now);
        if (i % 512 == 0 && table.Export(now).size() > 48) ADD_FAILURE() << "over its bound";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(table.Size(), 48u);
  table.Expire(kStart + seconds(kRounds + 10));
  EXPECT_EQ(table.Size(), 0u) << "every session that was counted has ended";
}

}  // namespace
}  // namespace sstplb::balance
