// Who is ejected, for how long, and who never.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/ejector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sstplb::control {
namespace {

using namespace std::chrono_literals;
using session::Signal;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TimePoint kStart = TimePoint(10000s);

// A pool whose backends are a, b, c, ... and whose clients come from numbered sources, each in a
// network of its own.
class Farm {
 public:
  explicit Farm(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) members.push_back({std::string(1, char('a' + i))});
  }

  // `count` sources from `first` on.
  Farm& See(const std::string& backend, Signal signal, int count, int first = 0) {
    for (int i = first; i < first + count; ++i) {
      const auto source = static_cast<std::uint64_t>(i);
      ejector.Note({"main", backend}, {source, source, signal}, now);
    }
    return *this;
  }
  // As "a out", "a back needed".
  std::vector<std::string> Judge(Duration later = 0s) {
    now += later;
    std::vector<std::string> out;
    for (const auto& change : ejector.Judge("main", rules, members, now)) {
      using Cause = Ejector::Cause;
      const std::string cause = change.cause == Cause::kNeeded        ? " needed"
                                : change.cause == Cause::kSwitchedOff ? " switched off"
                                                                      : "";
      out.push_back(change.backend + (change.ejected ? " out" : " back") + cause);
    }
    return out;
  }
  bool Out(const std::string& backend) const { return ejector.Find({"main", backend}) != nullptr; }
  Duration For(const std::string& backend) const {
    const Ejection* ejection = ejector.Find({"main", backend});
    return ejection == nullptr ? 0s : ejection->until - ejection->since;
  }

  Ejector ejector;
  config::EjectionRules rules;
  std::vector<Ejector::Member> members;
  TimePoint now = kStart;
};

struct Case {
  const char* what;
  int own_failures;
  int own_good;
  int other_failures;
  int other_good;
  bool ejected;
};

TEST(Ejector, ABackendMustFailOftenAndFarMoreThanTheRest) {
  const Case cases[] = {
      {"nothing", 0, 0, 0, 0, false},
      {"all good", 0, 50, 0, 50, false},
      {"fails for all", 5, 0, 0, 10, true},
      {"too few sources", 4, 0, 0, 10, false},
      {"too small a share", 10, 11, 0, 50, false},
      {"half", 10, 10, 0, 50, true},
      {"everybody fails", 50, 0, 50, 0, false},
      {"a third of the others fail", 50, 0, 10, 20, false},
      {"fewer than a third of the others fail", 50, 0, 9, 20, true},
      {"nothing to compare with", 50, 0, 0, 0, false},
  };
  for (const Case& c : cases) {
    Farm farm(3);
    farm.See("a", Signal::kClosedAtOnce, c.own_failures).See("a", Signal::kOk, c.own_good, 1000);
    farm.See("b", Signal::kDiedEarly, c.other_failures, 3000);
    farm.See("c", Signal::kOk, c.other_good, 2000);
    farm.Judge();
    EXPECT_EQ(farm.Out("a"), c.ejected) << c.what;
    EXPECT_FALSE(farm.Out("b") || farm.Out("c")) << c.what;
  }
}

TEST(Ejector, OneSourceCountsOnceWhateverItDoes) {
  Farm farm(2);
  farm.See("b", Signal::kOk, 10);
  for (int i = 0; i < 10000; ++i) farm.See("a", Signal::kDiedEarly, 1, 7);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  // And by its latest signal.
  farm.See("a", Signal::kDiedEarly, 5).See("a", Signal::kOk, 5);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.See("a", Signal::kOk, 5).See("a", Signal::kDiedEarly, 5);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
}

TEST(Ejector, OneNetworkEjectsNobody) {
  constexpr std::uint64_t kNetwork = 7777;
  Farm farm(2);
  farm.See("b", Signal::kOk, 10);
  const auto see = [&farm](std::uint64_t source, Signal signal) {
    farm.ejector.Note({"main", "a"}, {source, kNetwork, signal}, farm.now);
  };
  for (std::uint64_t source = 100; source < 5000; ++source) see(source, Signal::kDiedEarly);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  // Nor does it hide what others have seen, or say more than two that all is well.
  farm.See("a", Signal::kDiedEarly, 2);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.See("a", Signal::kDiedEarly, 3);
  for (std::uint64_t source = 100; source < 5000; ++source) see(source, Signal::kOk);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.See("a", Signal::kDiedEarly, 5);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  EXPECT_EQ(farm.ejector.Find({"main", "a"})->evidence.failures, 5u);
  EXPECT_EQ(farm.ejector.Find({"main", "a"})->evidence.sources, 7u);
}

TEST(Ejector, OfANetworkTheLatestCount) {
  Farm farm(2);
  farm.See("b", Signal::kOk, 10).See("a", Signal::kDiedEarly, 3);
  const auto see = [&farm](std::uint64_t source, Signal signal) {
    farm.ejector.Note({"main", "a"}, {source, 7777, signal}, farm.now);
  };
  see(100, Signal::kDiedEarly);
  see(101, Signal::kOk);
  see(100, Signal::kDiedEarly);
  see(102, Signal::kDiedEarly);  // in place of 101, whose word is older
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  EXPECT_EQ(farm.ejector.Find({"main", "a"})->evidence.sources, 5u);
}

TEST(Ejector, WhoFailsEverywhereDoesNotCount) {
  Farm farm(3);
  farm.See("b", Signal::kOk, 10, 1000);
  farm.See("a", Signal::kDiedEarly, 6).See("c", Signal::kDiedEarly, 2);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  // Who comes through somewhere has the right password.
  farm.See("b", Signal::kOk, 2);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  EXPECT_EQ(farm.ejector.Find({"main", "a"})->evidence.failures, 6u);
}

TEST(Ejector, OnlyTheWindowCounts) {
  Farm farm(2);
  farm.See("a", Signal::kSilent, 4).See("b", Signal::kOk, 10);
  farm.now += farm.rules.window + 1ms;
  farm.See("a", Signal::kSilent, 4, 100).See("b", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.See("a", Signal::kSilent, 1, 200);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
}

TEST(Ejector, TheEvidenceIsKept) {
  Farm farm(3);
  farm.See("a", Signal::kClosedAtOnce, 6).See("a", Signal::kDiedEarly, 3, 100);
  farm.See("a", Signal::kOk, 2, 200).See("b", Signal::kOk, 30, 300);
  farm.See("c", Signal::kAlertClient, 1, 400);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  const EjectionEvidence& evidence = farm.ejector.Find({"main", "a"})->evidence;
  EXPECT_EQ(evidence.signal, Signal::kClosedAtOnce);
  EXPECT_EQ(evidence.failures, 9u);
  EXPECT_EQ(evidence.sources, 11u);
  EXPECT_EQ(evidence.other_failures, 1u);
  EXPECT_EQ(evidence.other_sources, 31u);
}

TEST(Ejector, TheTimeGrowsAndIsForgotten) {
  Farm farm(2);
  const auto fail = [&farm] {
    farm.See("a", Signal::kClosedAtOnce, 10).See("b", Signal::kOk, 10);
    EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
    return farm.For("a");
  };
  std::vector<Duration> times;
  for (int i = 0; i < 7; ++i) {
    times.push_back(fail());
    EXPECT_THAT(farm.Judge(times.back() - 1ms), IsEmpty());
    EXPECT_THAT(farm.Judge(1ms), ElementsAre("a back"));
  }
  EXPECT_THAT(times, ElementsAre(30s, 60s, 120s, 240s, 480s, 600s, 600s));
  // What was seen before an ejection does not count after it.
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.Judge(farm.rules.max_time + 1s);
  EXPECT_EQ(fail(), 30s);
}

TEST(Ejector, NoMoreThanTheShareAndNeverTheLast) {
  struct Share {
    std::size_t size;
    double max_share;
    std::size_t out;
  };
  for (const Share& c : {Share{1, 1, 0}, Share{2, 0.5, 1}, Share{2, 0.4, 0}, Share{3, 0.5, 1},
                         Share{4, 0.5, 2}, Share{10, 0.3, 3}}) {
    Farm farm(c.size);
    farm.rules.max_share = c.max_share;
    // All but the last fail, in a pool where that one has many more clients.
    for (std::size_t i = 0; i + 1 < c.size; ++i) {
      farm.See(farm.members[i].name, Signal::kConnectRefused, 10, static_cast<int>(100 * i));
    }
    farm.See(farm.members.back().name, Signal::kOk, 900, 10000);
    EXPECT_EQ(farm.Judge().size(), c.out) << c.size << " " << c.max_share;
    EXPECT_FALSE(farm.Out(farm.members.back().name));
  }
}

TEST(Ejector, TheWorstComesFirst) {
  Farm farm(4);
  farm.rules.max_share = 0.25;
  farm.See("a", Signal::kSilent, 6).See("a", Signal::kOk, 5, 100);
  farm.See("b", Signal::kSilent, 20).See("c", Signal::kOk, 100).See("d", Signal::kOk, 100);
  EXPECT_THAT(farm.Judge(), ElementsAre("b out"));
}

TEST(Ejector, AFewFailuresElsewhereDoNotHideTheOffender) {
  Farm farm(3);
  farm.See("a", Signal::kSilent, 1);  // all of its one source
  farm.See("b", Signal::kSilent, 8).See("b", Signal::kOk, 4, 100).See("c", Signal::kOk, 30);
  EXPECT_THAT(farm.Judge(), ElementsAre("b out"));
}

TEST(Ejector, WhoIsDownAnywayIsNotCompared) {
  Farm farm(4);
  farm.members[1].usable = false;
  farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(), IsEmpty());  // c and d have shown nothing yet
  farm.See("c", Signal::kOk, 3);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
}

TEST(Ejector, WhoIsDownAnywayTakesAPartOfTheShare) {
  Farm farm(3);
  farm.members[1].usable = false;
  farm.See("a", Signal::kConnectTimeout, 10).See("c", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  farm.members[1].usable = true;
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
}

TEST(Ejector, WhenNobodyElseIsLeftTheEjectedComeBack) {
  Farm farm(2);
  farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  farm.members[1].usable = false;
  EXPECT_THAT(farm.Judge(1s), ElementsAre("a back needed"));
}

TEST(Ejector, SwitchedOffItEndsAtOnce) {
  Farm farm(2);
  farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  farm.rules.enabled = false;
  EXPECT_THAT(farm.Judge(1s), ElementsAre("a back switched off"));
  farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_THAT(farm.Judge(1s), IsEmpty());
}

TEST(Ejector, ThePardonForgetsEverything) {
  Farm farm(2);
  farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_FALSE(farm.ejector.Pardon({"main", "a"}));
  EXPECT_THAT(farm.Judge(), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    farm.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
    EXPECT_THAT(farm.Judge(1s), ElementsAre("a out"));
    EXPECT_EQ(farm.For("a"), 30s);
    EXPECT_TRUE(farm.ejector.Pardon({"main", "a"}));
    EXPECT_FALSE(farm.Out("a"));
  }
}

TEST(Ejector, AnotherProcessGoesOnWithIt) {
  Farm before(2);
  for (int i = 0; i < 2; ++i) {
    before.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
    EXPECT_THAT(before.Judge(30s), ElementsAre("a out"));
    if (i == 1) break;
    EXPECT_THAT(before.Judge(30s), ElementsAre("a back"));
  }
  Farm after(2);
  after.now = before.now;
  for (const std::string name : {"a", "b"}) {
    after.ejector.Restore({"main", name}, before.ejector.Export({"main", name}));
  }
  ASSERT_TRUE(after.Out("a"));
  EXPECT_FALSE(after.Out("b"));
  EXPECT_EQ(after.ejector.Find({"main", "a"})->times, 2u);
  EXPECT_EQ(after.ejector.Find({"main", "a"})->evidence.failures, 10u);
  EXPECT_THAT(after.Judge(60s), ElementsAre("a back"));
  after.See("a", Signal::kConnectTimeout, 10).See("b", Signal::kOk, 10);
  EXPECT_THAT(after.Judge(), ElementsAre("a out"));
  EXPECT_EQ(after.For("a"), 120s);
}

TEST(Ejector, WhatTheWindowHoldsIsShown) {
  Farm farm(3);
  farm.See("a", Signal::kSilent, 2).See("a", Signal::kOk, 3, 100);
  farm.See("b", Signal::kDiedEarly, 1, 200).See("b", Signal::kOk, 7, 300);
  EXPECT_THAT(farm.Judge(), IsEmpty());
  const auto a = farm.ejector.Shown({"main", "a"});
  EXPECT_EQ(a.failures, 2u);
  EXPECT_EQ(a.sources, 5u);
  EXPECT_EQ(a.other_failures, 1u);
  EXPECT_EQ(a.other_sources, 8u);
  const auto c = farm.ejector.Shown({"main", "c"});
  EXPECT_EQ(c.sources, 0u);
  EXPECT_EQ(c.other_failures, 3u);
  EXPECT_EQ(c.other_sources, 13u);
  farm.Judge(farm.rules.window + 1ms);
  EXPECT_EQ(farm.ejector.Shown({"main", "a"}).sources, 0u);
}

TEST(Ejector, AFloodOfSourcesIsBounded) {
  Farm farm(2);
  farm.See("b", Signal::kOk, 10);
  farm.See("a", Signal::kOk, 100000);
  farm.See("a", Signal::kSilent, static_cast<int>(Ejector::kMaxSources), 200000);
  EXPECT_THAT(farm.Judge(), ElementsAre("a out"));
  EXPECT_EQ(farm.ejector.Find({"main", "a"})->evidence.sources, Ejector::kMaxSources);
}

}  // namespace
}  // namespace sstplb::control
