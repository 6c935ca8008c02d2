// SPDX-License-Identifier: Apache-2.0
#include "lb/rebalance/moved_clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::rebalance {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const WallTime kNow = WallTime(1000h);

IpAddress Ip(const char* text) { return *IpAddress::Parse(text); }

TEST(MovedClients, AClientIsRememberedForADay) {
  MovedClients moved;
  EXPECT_TRUE(moved.Note(Ip("192.0.2.1"), kNow));
  EXPECT_FALSE(moved.Note(Ip("192.0.2.1"), kNow + 1h));
  moved.Expire(kNow + 24h - 1ns);
  EXPECT_TRUE(moved.Contains(Ip("192.0.2.1")));
  moved.Expire(kNow + 24h);
  EXPECT_FALSE(moved.Contains(Ip("192.0.2.1")));
  EXPECT_TRUE(moved.Note(Ip("192.0.2.1"), kNow + 24h));
}

TEST(MovedClients, AnIpv6ClientIsItsNetwork) {
  MovedClients moved;
  moved.Note(Ip("2001:db8:1:2::5"), kNow);
  EXPECT_TRUE(moved.Contains(Ip("2001:db8:1:2:3::7")));
  EXPECT_FALSE(moved.Contains(Ip("2001:db8:1:3::5")));
}

TEST(MovedClients, WhoHasNoRoomIsNotNoted) {
  MovedClients moved(2);
  EXPECT_TRUE(moved.Note(Ip("192.0.2.1"), kNow));
  EXPECT_TRUE(moved.Note(Ip("192.0.2.2"), kNow + 1h));
  EXPECT_TRUE(moved.Full());
  EXPECT_FALSE(moved.Note(Ip("192.0.2.3"), kNow + 2h));
  EXPECT_FALSE(moved.Contains(Ip("192.0.2.3")));
  EXPECT_TRUE(moved.Note(Ip("192.0.2.3"), kNow + 24h));
}

TEST(MovedClients, AnotherProcessRemembersTheSame) {
  MovedClients moved;
  moved.Note(Ip("192.0.2.1"), kNow);
  moved.Note(Ip("192.0.2.2"), kNow + 1h);
  MovedClients other;
  other.Restore(moved.Export(), kNow + 2h);
  EXPECT_EQ(other.Export(), moved.Export());
  MovedClients late;
  late.Restore(moved.Export(), kNow + 24h + 30min);
  EXPECT_THAT(late.Export(), ElementsAre(MovedClient{Ip("192.0.2.2"), kNow + 1h}));
}

TEST(MovedClients, AClockThatIsSetBackBindsNobodyForever) {
  MovedClients moved;
  moved.Note(Ip("192.0.2.1"), kNow + 1000h);
  moved.Expire(kNow);
  EXPECT_THAT(moved.Export(), IsEmpty());
  EXPECT_FALSE(moved.Contains(Ip("192.0.2.1")));
}

}  // namespace
}  // namespace sstplb::rebalance
