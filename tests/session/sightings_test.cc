// What a lane keeps of its clients' signals until they are taken.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/sightings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lb/session/lane.h"

namespace sstplb::session {
namespace {

using Source = std::uint64_t;

std::vector<Source> Sources(Sightings& sightings) {
  std::vector<Source> sources;
  for (const Sighting& one : sightings.Take()) sources.push_back(one.source);
  std::ranges::sort(sources);
  return sources;
}

TEST(Sightings, OneSourceTakesOnePlaceByItsLatestSignal) {
  Sightings sightings;
  for (int i = 0; i < 5000; ++i) sightings.Add({7, 7, Signal::kSilent});
  sightings.Add({8, 8, Signal::kDiedEarly});
  sightings.Add({7, 7, Signal::kOk});
  const auto taken = sightings.Take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].source, 7u);
  EXPECT_EQ(taken[0].signal, Signal::kOk);
  EXPECT_EQ(taken[1].signal, Signal::kDiedEarly);
  EXPECT_TRUE(sightings.empty());
  EXPECT_TRUE(sightings.Take().empty());
}

TEST(Sightings, ANetworkTakesTwoPlacesWithItsLatestSources) {
  Sightings sightings;
  for (Source source = 0; source < 5000; ++source) sightings.Add({source, 1, Signal::kSilent});
  sightings.Add({9000, 2, Signal::kSilent});
  EXPECT_EQ(Sources(sightings), (std::vector<Source>{4998, 4999, 9000}));
  for (const Source source : {1u, 2u, 1u, 3u}) sightings.Add({source, 1, Signal::kSilent});
  EXPECT_EQ(Sources(sightings), (std::vector<Source>{1, 3}));
}

TEST(Sightings, AreBounded) {
  Sightings sightings;
  for (Source source = 0; source < 5000; ++source) sightings.Add({source, source, Signal::kOk});
  sightings.Add({3, 3, Signal::kSilent});
  const auto taken = sightings.Take();
  ASSERT_EQ(taken.size(), Sightings::kMax);
  EXPECT_EQ(taken[3].signal, Signal::kSilent);
}

TEST(Sightings, AThousandFailuresOfOneClientHideNobody) {
  Books books;
  Lane& lane = books.LaneFor({"vpn", "main", "b1"});
  const auto note = [&](const char* ip, Signal signal) {
    books.Note(lane, *IpAddress::Parse(ip), signal);
  };
  for (int i = 0; i < 2000; ++i) note("192.0.2.1", Signal::kConnectRefused);
  EXPECT_TRUE(books.has_sightings());
  note("198.51.100.1", Signal::kOk);
  const auto taken = books.TakeSightings();
  ASSERT_EQ(taken.size(), 1u);
  ASSERT_EQ(taken[0].sightings.size(), 2u);
  EXPECT_EQ(taken[0].sightings[1].signal, Signal::kOk);
  EXPECT_EQ(lane.counters.signals[static_cast<std::size_t>(Signal::kConnectRefused)], 2000u);
}

}  // namespace
}  // namespace sstplb::session
