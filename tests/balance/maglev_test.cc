// Spread, weights, disruption and the frozen placement of Maglev; a naive rendezvous hash, which
// moves as few clients as can be, is the judge of the disruption.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/balance/maglev.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lb/base/hash.h"
#include "tests/balance/farm.h"

namespace sstplb::balance {
namespace {

using testing::ElementsAreArray;

constexpr std::uint32_t kClients = 100000;

const std::vector<std::uint64_t>& ClientHashes() {
  static const std::vector<std::uint64_t> kHashes = [] {
    std::vector<std::uint64_t> hashes;
    for (std::uint32_t i = 0; i < kClients; ++i) hashes.push_back(Client(i).hash);
    return hashes;
  }();
  return kHashes;
}

// Whom each of kClients goes to, by name.
using Placement = std::vector<std::string>;

Placement Place(const Policy& policy, const LoadView& loads) {
  Placement placement;
  for (std::uint32_t i = 0; i < kClients; ++i) {
    placement.push_back(policy.members()[PickFor(policy, Client(i), loads)[0]].name);
  }
  return placement;
}

// With everyone usable: the same, without a look at the other candidates.
Placement Place(const std::vector<Member>& members) {
  const Maglev maglev(members);
  Placement placement;
  for (const std::uint64_t hash : ClientHashes()) {
    placement.push_back(members[maglev.table()[hash % Maglev::kTableSize]].name);
  }
  return placement;
}

// Highest random weight (Thaler and Ravishankar): -weight / ln(uniform), the greatest wins.
Placement PlaceByRendezvous(const std::vector<Member>& members) {
  std::vector<std::uint64_t> salts;
  for (const Member& member : members) salts.push_back(Hash64(member.name, 7));
  Placement placement;
  for (const std::uint64_t client : ClientHashes()) {
    double best = -1;
    std::string winner;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Member& member = members[i];
      const std::uint64_t hash = Rehash(client, salts[i]);
      const double uniform = (static_cast<double>(hash >> 11) + 0.5) / std::pow(2.0, 53);
      const double score = -static_cast<double>(member.weight) / std::log(uniform);
      if (score > best) {
        best = score;
        winner = member.name;
      }
    }
    placement.push_back(winner);
  }
  return placement;
}

double Moved(const Placement& before, const Placement& after) {
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i] ? 1 : 0;
  return static_cast<double>(moved) / static_cast<double>(before.size());
}

std::map<std::string, double> Shares(const Placement& placement) {
  std::map<std::string, double> shares;
  for (const std::string& name : placement) shares[name] += 1.0 / kClients;
  return shares;
}

std::vector<Member> Without(std::vector<Member> members, std::size_t index) {
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(index));
  return members;
}

std::uint64_t TableHash(const Maglev& maglev) {
  std::string names;
  for (const std::uint16_t index : maglev.table()) {
    if (!names.empty()) names += '\n';
    names += maglev.members()[index].name;
  }
  return Hash64(names, 0);
}

// Frozen: computed by a second implementation, in another language, of the text in maglev.h.
TEST(MaglevTest, FrozenPlacementOnThreeEqualBackends) {
  const struct {
    const char* source;
    std::vector<std::string> order;
  } kTable[] = {
      {"192.0.2.1", {"vpn3", "vpn2", "vpn1"}},        {"192.0.2.2", {"vpn1", "vpn2", "vpn3"}},
      {"192.0.2.3", {"vpn1", "vpn3", "vpn2"}},        {"198.51.100.7", {"vpn2", "vpn3", "vpn1"}},
      {"203.0.113.200", {"vpn3", "vpn1", "vpn2"}},    {"10.0.0.1", {"vpn2", "vpn1", "vpn3"}},
      {"2001:db8::1", {"vpn1", "vpn3", "vpn2"}},      {"2001:db8:0:1::1", {"vpn2", "vpn1", "vpn3"}},
      {"2001:db8:ffff::1", {"vpn3", "vpn1", "vpn2"}}, {"fe80::1", {"vpn3", "vpn1", "vpn2"}},
  };
  const Maglev maglev(Farm({100, 100, 100}));
  EXPECT_EQ(TableHash(maglev), 0x54d59c672ffe4d57u);
  for (const auto& row : kTable) {
    const auto picked = PickFor(maglev, KeyOf(IpAddress::Parse(row.source).value()), FakeLoads(3));
    EXPECT_THAT(Names(maglev, picked), ElementsAreArray(row.order)) << row.source;
    EXPECT_EQ(picked.why(), "hash");
  }
}

TEST(MaglevTest, FrozenPlacementWithWeights) {
  const struct {
    const char* source;
    std::vector<std::string> order;
  } kTable[] = {
      {"192.0.2.1",
       {"vpn3", "big", "vpn1", "vpn5", "vpn4", "vpn8", "vpn6", "vpn7", "vpn9", "vpn2"}},
      {"192.0.2.2",
       {"vpn7", "big", "vpn9", "vpn4", "vpn5", "vpn2", "vpn3", "vpn8", "vpn6", "vpn1"}},
      {"192.0.2.3",
       {"vpn7", "vpn9", "vpn3", "vpn4", "big", "vpn1", "vpn6", "vpn8", "vpn5", "vpn2"}},
      {"198.51.100.7",
       {"big", "vpn8", "vpn9", "vpn6", "vpn7", "vpn1", "vpn2", "vpn3", "vpn4", "vpn5"}},
      {"203.0.113.200",
       {"vpn6", "big", "vpn9", "vpn1", "vpn4", "vpn7", "vpn5", "vpn3", "vpn8", "vpn2"}},
      {"2001:db8::1",
       {"vpn6", "vpn3", "big", "vpn1", "vpn5", "vpn9", "vpn7", "vpn8", "vpn2", "vpn4"}},
  };
  std::vector<Member> members = EqualFarm(9);
  members.push_back({"big", 300});
  const Maglev maglev(members);
  EXPECT_EQ(TableHash(maglev), 0xe6fa7729b91bebd9u);
  for (const auto& row : kTable) {
    const auto picked = PickFor(maglev, KeyOf(IpAddress::Parse(row.source).value()), FakeLoads(10));
    EXPECT_THAT(Names(maglev, picked), ElementsAreArray(row.order)) << row.source;
  }
}

TEST(MaglevTest, SpreadsEvenly) {
  for (const std::size_t size : {2u, 3u, 10u, 20u, 100u}) {
    // The slots are even to one, ...
    const Maglev maglev(EqualFarm(size));
    std::vector<std::size_t> slots(size, 0);
    for (const std::uint16_t index : maglev.table()) ++slots[index];
    const auto [least, most] = std::minmax_element(slots.begin(), slots.end());
    EXPECT_LE(*most - *least, 1u) << size;
  }
  // ... and the clients as even as so many dice fall.
  constexpr std::uint32_t kMany = 1000000;
  for (const std::size_t size : {2u, 3u, 10u}) {
    const Maglev maglev(EqualFarm(size));
    std::vector<std::uint32_t> count(size, 0);
    for (std::uint32_t i = 0; i < kMany; ++i) {
      ++count[maglev.table()[Client(i).hash % Maglev::kTableSize]];
    }
    for (const std::uint32_t clients : count) {
      EXPECT_NEAR(clients * static_cast<double>(size) / kMany, 1.0, 0.02) << size;
    }
  }
}

TEST(MaglevTest, FirstIsTheSlotOfTheKey) {
  const std::vector<Member> ten = EqualFarm(10);
  EXPECT_EQ(Place(Maglev(ten), FakeLoads(10)), Place(ten));
}

TEST(MaglevTest, HonoursWeights) {
  const std::vector<std::uint32_t> kTable[] = {
      {100, 50}, {1, 2, 3, 4}, {100, 100, 1000}, {7, 11, 13, 17, 19}, {4294967295u, 4294967295u}};
  for (const auto& weights : kTable) {
    std::vector<Member> members;
    double sum = 0;
    for (const std::uint32_t weight : weights) {
      members.push_back({"b" + std::to_string(members.size()), weight});
      sum += weight;
    }
    const auto shares = Shares(Place(members));
    for (const Member& member : members) {
      const double fair = member.weight / sum;
      EXPECT_NEAR(shares.at(member.name) / fair, 1.0, 0.03) << member.name << ':' << member.weight;
    }
  }
}

TEST(MaglevTest, ABackendOfTenThatLeavesMovesLittleMoreThanItsShare) {
  const std::vector<Member> ten = EqualFarm(10);
  const Placement before = Place(ten);
  const Placement ideal_before = PlaceByRendezvous(ten);
  for (std::size_t gone = 0; gone < ten.size(); ++gone) {
    const double moved = Moved(before, Place(Without(ten, gone)));
    const double ideal = Moved(ideal_before, PlaceByRendezvous(Without(ten, gone)));
    EXPECT_LE(moved, 1.3 * 0.1) << ten[gone].name;
    EXPECT_LE(moved, 1.3 * ideal) << ten[gone].name;
    EXPECT_GE(moved, 0.095) << "its own clients must move";
  }
}

TEST(MaglevTest, ABackendThatComesMovesLittleMoreThanItsShare) {
  const std::vector<Member> nine = EqualFarm(9);
  for (const char* name : {"vpn10", "aaa", "zzz", "10.0.0.1:443"}) {
    std::vector<Member> ten = nine;
    ten.push_back({name, 100});
    EXPECT_LE(Moved(Place(nine), Place(ten)), 1.3 * 0.1) << name;
  }
}

TEST(MaglevTest, AChangedWeightMovesAboutTheDifference) {
  std::vector<Member> ten = EqualFarm(10);
  const Placement before = Place(ten);
  ten[3].weight = 50;  // from 1/10 to 1/19: a good 4.7 % of all
  EXPECT_LE(Moved(before, Place(ten)), 2 * 0.047);
}

TEST(MaglevTest, WhoIsDownMovesOnlyItsOwnAndToAllOthersAlike) {
  const std::vector<Member> ten = EqualFarm(10);
  const Maglev maglev(ten);
  FakeLoads loads(10);
  const Placement before = Place(maglev, loads);
  loads.usable[4] = false;
  const Placement after = Place(maglev, loads);

  std::map<std::string, int> gained;
  int lost = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != "vpn5") {
      ASSERT_EQ(after[i], before[i]) << "a client of a backend that is up moved";
      continue;
    }
    ++lost;
    ++gained[after[i]];
  }
  ASSERT_EQ(gained.size(), 9u);
  for (const auto& [name, count] : gained) EXPECT_NEAR(count * 9.0 / lost, 1.0, 0.1) << name;
}

TEST(MaglevTest, TheOrderOfTheOthersIsStable) {
  const Maglev maglev(EqualFarm(10));
  FakeLoads loads(10);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    loads.usable.assign(10, true);
    const auto all = Names(maglev, PickFor(maglev, Client(i), loads));
    ASSERT_EQ(all.size(), 10u);
    for (std::size_t down = 0; down < 10; ++down) {
      loads.usable.assign(10, true);
      loads.usable[down] = false;
      const auto picked = PickFor(maglev, Client(i), loads);
      auto expected = all;
      expected.erase(std::find(expected.begin(), expected.end(), maglev.members()[down].name));
      ASSERT_EQ(Names(maglev, picked), expected);
      ASSERT_EQ(picked.why(), all[0] == expected[0] ? "hash" : "hash_next");
    }
  }
}

TEST(MaglevTest, TheOrderOfTheConfigurationDoesNotMatter) {
  std::vector<Member> members = EqualFarm(9);
  members.push_back({"big", 300});
  const Placement straight = Place(members);
  std::reverse(members.begin(), members.end());
  EXPECT_EQ(Place(members), straight);
  std::rotate(members.begin(), members.begin() + 4, members.end());
  EXPECT_EQ(Place(members), straight);
}

TEST(MaglevTest, FindsTheOneOfManyThatIsUp) {
  const Maglev maglev(EqualFarm(500));
  FakeLoads loads(500);
  loads.usable.assign(500, false);
  for (const std::size_t up : {0u, 123u, 499u}) {
    loads.usable[up] = true;
    const auto picked = PickFor(maglev, Client(7), loads);
    ASSERT_EQ(picked.size(), 1u);
    EXPECT_EQ(picked[0], up);
    loads.usable[up] = false;
  }
  EXPECT_TRUE(PickFor(maglev, Client(7), loads).empty());
}

TEST(MaglevTest, OneOrNobody) {
  EXPECT_TRUE(PickFor(Maglev({}), Client(1), FakeLoads(0)).empty());
  EXPECT_TRUE(PickFor(Maglev(Farm({0, 0})), Client(1), FakeLoads(2)).empty());
  const Maglev one(Farm({0, 100}));
  for (std::uint32_t i = 0; i < 100; ++i) {
    EXPECT_THAT(PickFor(one, Client(i), FakeLoads(2)), testing::ElementsAre(1));
  }
}

// The cost is written in the test's own output; the bound only catches a change of its order.
TEST(MaglevTest, BuildsInMilliseconds) {
  for (const std::size_t size : {3u, 100u, 1000u}) {
    const auto start = std::chrono::steady_clock::now();
    const Maglev maglev(EqualFarm(size));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    RecordProperty("build_ms_" + std::to_string(size), std::to_string(took.count()));
    EXPECT_LT(took.count(), 1000) << size;
    EXPECT_EQ(std::set<std::uint16_t>(maglev.table().begin(), maglev.table().end()).size(), size);
  }
}

}  // namespace
}  // namespace sstplb::balance
