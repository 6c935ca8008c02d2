// Backends of several pools at one address: one probe, one answer for all of them, one budget.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <optional>
#include <set>

#include "tests/probes/pretend_probe.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SharingTest : public ProberTest {
 protected:
  // `backend` of `pool`, all of them at the same address.
  static ProbeRequest At(const std::string& pool, const std::string& backend) {
    ProbeRequest request = Target("vpn1");
    request.pool = pool;
    request.backend = backend;
    return request;
  }
  std::size_t Starts() const { return stage_.asked.size(); }
};

TEST_F(SharingTest, OneProbeForAllWhoAskTheSame) {
  const auto prober = Make();
  ProbeRequest slow = At("b", "vpn7");
  slow.settings.interval = seconds(600);  // who asks more often sets the pace
  slow.settings.fall = 5;
  prober->Set(At("a", "vpn1"));
  prober->Set(slow);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() >= 8; }));
  EXPECT_EQ(seen_.size(), 2 * (Starts() - static_cast<std::size_t>(stage_.live)));
  EXPECT_EQ(prober->Find({"a", "vpn1"})->count(), prober->Find({"b", "vpn7"})->count());
  EXPECT_EQ(prober->Find({"b", "vpn7"})->health(), Health::kUp);

  // The same bad answers, judged by each one's own `fall`.
  for (const char* name : {"vpn1", "vpn7"}) stage_.outcomes[name] = Outcome::kTlsTimeout;
  ASSERT_TRUE(RunUntil([&] { return prober->Find({"a", "vpn1"})->health() == Health::kDown; }));
  EXPECT_EQ(prober->Find({"b", "vpn7"})->health(), Health::kUp);
  ASSERT_TRUE(RunUntil([&] { return prober->Find({"b", "vpn7"})->health() == Health::kDown; }));
  EXPECT_EQ(stage_.most_live, 1);
}

TEST_F(SharingTest, WhoLeavesTakesTheProbeOnlyWhenItWasTheLast) {
  const auto prober = Make();
  stage_.takes = milliseconds(50);
  prober->Set(At("a", "vpn1"));
  prober->Set(At("b", "vpn1"));
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 1; }));
  prober->Remove({"a", "vpn1"});
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  EXPECT_EQ(seen_[0].outcome, Outcome::kOk) << "not cancelled: another waits for it";
  EXPECT_EQ(Starts(), 1u);
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 1; }));
  prober->Remove({"b", "vpn1"});
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 0; }));
  EXPECT_EQ(seen_.size(), 1u);
  EXPECT_TRUE(prober->Targets().empty());
}

TEST_F(SharingTest, WhoJoinsIsServedByTheProbeUnderWay) {
  const auto prober = Make();
  stage_.takes = milliseconds(50);
  ProbeRequest first = At("a", "vpn1");
  first.settings.interval = seconds(600);
  prober->Set(first);
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 1; }));
  prober->Set(At("b", "vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 2; }));
  EXPECT_EQ(Starts(), 1u);
}

TEST_F(SharingTest, OtherQuestionsToOneAddressTakeTurns) {
  const auto prober = Make();
  stage_.takes = milliseconds(10);
  for (int i = 0; i < 4; ++i) {
    ProbeRequest request = At("pool" + std::to_string(i), "vpn1");
    request.server_name = std::to_string(i) + ".example.com";
    prober->Set(request);
  }
  ASSERT_TRUE(RunUntil([&] { return seen_.size() >= 12; }));
  EXPECT_EQ(stage_.most_live, 1);
  std::map<std::string, int> asked;
  for (const ProbeRequest& request : stage_.asked) ++asked[request.server_name];
  EXPECT_EQ(asked.size(), 4u);
  for (const auto& [name, count] : asked) EXPECT_GE(count, 2) << name;
}

// A backend that is about to change is watched closely, but not without end.
TEST_F(SharingTest, TheBudgetEndsTheCloseWatch) {
  const auto prober = Make();
  ProbeRequest request = At("a", "vpn1");
  request.settings.interval = milliseconds(400);
  request.settings.fast_interval = milliseconds(1);
  request.settings.rise = request.settings.fall = 64;
  request.settings.budget = config::Rate{20, 5};
  stage_.takes = Duration::zero();
  std::uint64_t postponed = 0;
  on_answer_ = [&](const ProbeAnswer& answer) {
    postponed = answer.postponed;
    stage_.outcomes["vpn1"] = Outcome::kTlsTimeout;  // speaks against its health from now on
  };
  prober->Set(request);
  const TimePoint start = Clock::now();
  ASSERT_TRUE(RunUntil([&] { return seen_.size() >= 15; }));
  EXPECT_GE(Clock::now() - start, milliseconds(480)) << "5 at once, then 20 a second";
  EXPECT_GE(postponed, 9u);
}

TEST_F(SharingTest, AskingNowIsWithinTheBudgetToo) {
  const auto prober = Make();
  ProbeRequest request = At("a", "vpn1");
  request.settings.interval = seconds(600);
  request.settings.budget = config::Rate{0.001, 3};
  prober->Set(request);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  for (std::size_t i = 2; i <= 3; ++i) {
    prober->ProbeNow({"a", "vpn1"});
    ASSERT_TRUE(RunUntil([&] { return seen_.size() == i; }));
  }
  prober->ProbeNow({"a", "vpn1"});
  // Another address is asked meanwhile: time passes, and the budget is each address's own.
  ProbeRequest other = Target("vpn2");
  prober->Set(other);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 8; }));
  EXPECT_EQ(stage_.starts["vpn1"].size(), 3u);
}

TEST_F(SharingTest, ARaisedBudgetIsFeltByWhoWaitsAlready) {
  const auto prober = Make();
  const auto at = [](const std::string& pool, std::optional<config::Rate> budget) {
    ProbeRequest request = At(pool, "vpn1");
    request.server_name = pool;  // each asks its own question
    request.settings.interval = seconds(600);
    request.settings.budget = budget;
    return request;
  };
  std::uint64_t postponed = 0;
  on_answer_ = [&](const ProbeAnswer& answer) {
    postponed = std::max(postponed, answer.postponed);
  };
  prober->Set(at("a", config::Rate{0.001, 1}));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  prober->Set(at("b", std::nullopt));
  // Another address meanwhile: time enough for the second to be put off, by a quarter of an hour.
  prober->Set(Target("vpn2"));
  ASSERT_TRUE(RunUntil([&] { return stage_.starts["vpn2"].size() >= 5; }));
  ASSERT_EQ(stage_.starts["vpn1"].size(), 1u);
  prober->Set(at("a", config::Rate{50, 1}));
  ASSERT_TRUE(RunUntil([&] { return stage_.starts["vpn1"].size() >= 3; }));
  std::set<std::string> asked;
  for (const ProbeRequest& request : stage_.asked) asked.insert(request.server_name);
  EXPECT_TRUE(asked.contains("a") && asked.contains("b"));
  EXPECT_GE(postponed, 1u);
}

TEST_F(SharingTest, WhatIsLearnedIsPassedOn) {
  const auto prober = Make();
  std::vector<std::string> kinds;
  on_answer_ = [&](const ProbeAnswer& answer) { kinds.push_back(answer.server_kind); };
  stage_.server_kind = "softether";
  prober->Set(At("a", "vpn1"));
  ASSERT_TRUE(RunUntil([&] { return kinds.size() == 1; }));
  stage_.server_kind.clear();  // an answer that tells nothing
  ASSERT_TRUE(RunUntil([&] { return kinds.size() == 3; }));
  EXPECT_EQ(kinds, (std::vector<std::string>{"softether", "softether", "softether"}));
  EXPECT_EQ(stage_.asked[0].learned, "");
  EXPECT_EQ(stage_.asked[1].learned, "softether");
}

// Each pool has its own cap, the server is one.
TEST_F(SharingTest, NoCallWhileAnyWhoAsksHasNoPlaceToSpare) {
  const auto prober = Make();
  std::vector<std::string> notes;
  on_answer_ = [&](const ProbeAnswer& answer) {
    EXPECT_EQ(answer.request.settings.depth, config::ProbeDepth::kCall) << "as configured";
    notes.push_back(answer.report.note);
  };
  const auto ask = [&](const char* pool) {
    ProbeRequest request = At(pool, "vpn1");
    request.settings.kind = config::ProbeKind::kSstp;
    request.settings.depth = config::ProbeDepth::kCall;
    prober->Set(request);
  };
  const auto next_depth = [&] {
    const std::size_t asked = Starts();
    const std::size_t told = notes.size();
    EXPECT_TRUE(RunUntil([&] { return Starts() > asked && notes.size() >= told + 2; }));
    return stage_.asked.back().settings.depth;
  };
  prober->SetFull({"b", "vpn1"}, true);  // before it is there
  ask("a");
  ask("b");
  EXPECT_EQ(next_depth(), config::ProbeDepth::kPost);
  EXPECT_THAT(notes.back(), ::testing::HasSubstr("asked post, not call"));
  const std::size_t shared = Starts();
  prober->SetFull({"b", "vpn1"}, false);
  EXPECT_EQ(next_depth(), config::ProbeDepth::kCall);
  EXPECT_EQ(notes.back(), "");
  EXPECT_EQ(stage_.most_live, 1);
  EXPECT_EQ(notes.size(), 2 * (Starts() - static_cast<std::size_t>(stage_.live)))
      << "still one question, after " << shared;
  prober->SetFull({"a", "vpn1"}, true);
  EXPECT_EQ(next_depth(), config::ProbeDepth::kPost);
  prober->Remove({"a", "vpn1"});
  EXPECT_TRUE(RunUntil([&] {
    return stage_.asked.back().settings.depth == config::ProbeDepth::kCall;
  })) << "who is full has left";
}

TEST_F(SharingTest, ACallbackThatRemovesTheOthers) {
  const auto prober = Make();
  on_answer_ = [&](const ProbeAnswer& answer) {
    for (const TargetKey& key : prober->Targets()) {
      if (key != answer.target) prober->Remove(key);
    }
  };
  for (const char* pool : {"a", "b", "c"}) prober->Set(At(pool, "vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 2; }));
  EXPECT_EQ(prober->Targets().size(), 1u);
}

}  // namespace
}  // namespace sstplb::probes
