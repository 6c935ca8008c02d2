// Inheritance: what is kept of the other process, and for how long.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/inheritance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sstplb::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kTheirs = R"(
[global]
state_file = "/var/lib/theirs"
[listener.vpn]
bind = ["127.0.0.1:443"]
pool = "main"
[[pool.main.backend]]
name = "b1"
address = "10.0.0.1:443"
[[pool.main.backend]]
name = "old"
address = "10.0.0.9:443"
)";

// b1 is down by its probe, "old" has departed, both have clients that are remembered.
handoff::Estate MakeEstate() {
  handoff::Estate estate;
  estate.state.config = kTheirs;
  backend::State decided;
  for (const char* name : {"b1", "old"}) {
    backend::Decision& decision = decided.decisions.emplace_back();
    decision.pool = "main";
    decision.backend = name;
    decision.weight = 7;
  }
  estate.state.decisions = *backend::FormatState(decided, WallTime());
  handoff::BackendState& b1 = estate.state.backends.emplace_back();
  b1.pool = "main";
  b1.backend = "b1";
  b1.probed.health = probes::Health::kDown;
  handoff::BackendState& old = estate.state.backends.emplace_back();
  old.pool = "main";
  old.backend = "old";
  old.departed = backend::Drain{};
  for (const char* source : {"10.1.1.1", "10.1.1.2"}) {
    estate.state.affinity.push_back(
        {"main", {.source = *IpAddress::Parse(source), .backend = "b1"}});
  }
  estate.state.control.refusing = true;
  estate.sockets.push_back({.kind = handoff::SocketKind::kListener, .name = "vpn"});
  estate.sockets.push_back({.kind = handoff::SocketKind::kAdminSocket});
  return estate;
}

TEST(Inheritance, AProcessThatStartedOnItsOwnHasNone) {
  Inheritance none;
  EXPECT_FALSE(none.unsettled());
  EXPECT_EQ(none.theirs(), config::Config());
  EXPECT_THAT(none.TakeSockets(), IsEmpty());
  EXPECT_THAT(none.probed(), IsEmpty());
}

TEST(Inheritance, TheirsIsInForceUntilItIsSettled) {
  Inheritance inheritance;
  const auto decided = inheritance.Take(MakeEstate());
  ASSERT_TRUE(decided) << decided.error().message;
  EXPECT_THAT(decided->decisions, SizeIs(2));
  EXPECT_TRUE(inheritance.unsettled());
  EXPECT_EQ(inheritance.theirs().global.state_file, "/var/lib/theirs");
  EXPECT_TRUE(inheritance.control().refusing);

  config::Config ours;
  ours.global.state_file = "/var/lib/ours";
  ours.pools.emplace_back().name = "other";
  const config::Config under = inheritance.Under(ours);
  EXPECT_EQ(under.global.state_file, "/var/lib/ours");
  EXPECT_EQ(under.pools, inheritance.theirs().pools);
  EXPECT_EQ(under.listeners, inheritance.theirs().listeners);
  EXPECT_THAT(inheritance.WithoutDeparted(decided->decisions), SizeIs(1));

  EXPECT_EQ(inheritance.Settle(), ours);
  EXPECT_FALSE(inheritance.unsettled());
  EXPECT_THAT(inheritance.backends(), IsEmpty());
  ASSERT_NE(inheritance.FindProbed({"main", "b1"}), nullptr)
      << "of use until there is an own probe";
  EXPECT_EQ(inheritance.FindProbed({"main", "b1"})->health, probes::Health::kDown);
  EXPECT_EQ(inheritance.FindProbed({"main", "old"}), nullptr);
}

TEST(Inheritance, ListenersAndSticksAreTakenOnce) {
  Inheritance inheritance;
  ASSERT_TRUE(inheritance.Take(MakeEstate()));
  EXPECT_THAT(inheritance.TakeSockets(), SizeIs(1)) << "the others are not the controller's";
  EXPECT_THAT(inheritance.TakeSockets(), IsEmpty());
  const auto sticks = inheritance.TakeSticks();
  ASSERT_THAT(sticks, SizeIs(1));
  EXPECT_EQ(sticks[0].pool, "main");
  EXPECT_THAT(sticks[0].entries, SizeIs(2));
  EXPECT_THAT(inheritance.TakeSticks(), IsEmpty());
}

TEST(Inheritance, WhatCannotBeReadIsNotKept) {
  Inheritance inheritance;
  handoff::Estate estate = MakeEstate();
  estate.state.config = "[pool";
  auto taken = inheritance.Take(std::move(estate));
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("the old process's configuration"));
  estate = MakeEstate();
  estate.state.decisions = "{";
  taken = inheritance.Take(std::move(estate));
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("the old process's decisions"));
  EXPECT_FALSE(inheritance.unsettled());
  EXPECT_EQ(inheritance.theirs(), config::Config());
}

}  // namespace
}  // namespace sstplb::control
