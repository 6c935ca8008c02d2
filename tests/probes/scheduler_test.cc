// The prober, mostly with probes that only pretend.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "tests/probes/pretend_probe.h"
#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ProberTest, FirstAnswerDecidesThenTheDamperDoes) {
  const auto prober = Make();
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  EXPECT_EQ(seen_[0].before, Health::kUnknown);
  EXPECT_EQ(seen_[0].after, Health::kUp);
  stage_.outcomes["vpn1"] = Outcome::kTlsTimeout;
  ASSERT_TRUE(RunUntil([&] { return seen_.back().after == Health::kDown; }));
  EXPECT_TRUE(seen_.back().history.ends_with("1000")) << seen_.back().history;
  EXPECT_EQ(prober->Find({"main", "vpn1"})->health(), Health::kDown);
}

TEST_F(ProberTest, LocalTroubleLeavesHealthAlone) {
  const auto prober = Make();
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  stage_.outcomes["vpn1"] = Outcome::kLocalError;
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 6; }));
  EXPECT_EQ(seen_.back().after, Health::kUp);
  EXPECT_EQ(seen_.back().outcome, Outcome::kLocalError);
  EXPECT_EQ(prober->Find({"main", "vpn1"})->count(), 1u);
}

TEST_F(ProberTest, ItDiesOnceAndNotForBeingFull) {
  const auto prober = Make();
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  stage_.outcomes["vpn1"] = Outcome::kServerFull;
  ASSERT_TRUE(RunUntil([&] { return seen_.back().after == Health::kDown; }));
  const auto deaths = [&] {
    return std::count_if(seen_.begin(), seen_.end(), [](const Seen& s) { return s.died; });
  };
  EXPECT_EQ(deaths(), 0);
  stage_.outcomes["vpn1"] = Outcome::kTlsTimeout;
  ASSERT_TRUE(RunUntil([&] { return deaths() == 1; }));
  EXPECT_EQ(seen_.back().before, Health::kDown) << "it was down before it died";
  EXPECT_TRUE(seen_.back().history.ends_with("1000000")) << seen_.back().history;
  const std::size_t until = seen_.size() + 4;
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == until; }));
  EXPECT_EQ(deaths(), 1) << "once";
}

TEST_F(ProberTest, FastWhileTheAnswerIsChanging) {
  const auto prober = Make();
  ProbeRequest target = Target("vpn1");
  target.settings.interval = milliseconds(300);
  target.settings.fast_interval = milliseconds(20);
  prober->Set(target);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 2; }));  // the second spreads them
  stage_.outcomes["vpn1"] = Outcome::kConnectRefused;
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 6; }));
  std::vector<TimePoint> at = stage_.starts["vpn1"];
  at.erase(at.begin());
  ASSERT_GE(at.size(), 5u);
  EXPECT_GE(at[1] - at[0], milliseconds(260)) << "up and steady: interval";
  EXPECT_LT(at[2] - at[1], milliseconds(150)) << "the first bad answer: fast_interval";
  EXPECT_LT(at[3] - at[2], milliseconds(150));
  EXPECT_GE(at[4] - at[3], milliseconds(260)) << "down and steady: interval";
}

TEST_F(ProberTest, ManyBackendsFewAtOnceOneEach) {
  const auto prober = Make(8);
  for (int i = 0; i < 100; ++i) prober->Set(Target("vpn" + std::to_string(i)));
  EXPECT_EQ(prober->Targets().size(), 100u);
  ASSERT_TRUE(RunUntil([&] {
    return stage_.starts.size() == 100 &&
           std::all_of(stage_.starts.begin(), stage_.starts.end(),
                       [](const auto& entry) { return entry.second.size() >= 2; });
  }));
  EXPECT_EQ(stage_.most_live, 8);
  EXPECT_FALSE(stage_.overlapped);
}

TEST_F(ProberTest, RemovedIsClosedPolitelyAndNotReported) {
  const auto prober = Make(1);
  stage_.takes = seconds(60);
  stage_.closes = milliseconds(50);
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 1; }));
  prober->Remove({"main", "vpn1"});
  EXPECT_EQ(prober->Find({"main", "vpn1"}), nullptr);
  EXPECT_EQ(stage_.live, 1) << "still closing";
  stage_.takes = milliseconds(5);
  prober->Set(Target("vpn2"));
  ASSERT_TRUE(RunUntil([&] { return !seen_.empty(); }));
  EXPECT_EQ(seen_[0].backend, "vpn2");
  EXPECT_EQ(stage_.most_live, 1) << "the one that closes still takes its place";
}

TEST_F(ProberTest, ProbeNowDoesNotWaitForTheInterval) {
  const auto prober = Make();
  ProbeRequest target = Target("vpn1");
  target.settings.interval = seconds(600);
  prober->Set(target);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  prober->ProbeNow({"main", "vpn1"});
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 1; }));
  prober->ProbeNow({"main", "vpn1"});  // while one is under way: another after it
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 3; }));
  EXPECT_FALSE(stage_.overlapped);
  prober->ProbeNow({"main", "nobody"});
}

TEST_F(ProberTest, ChangedTargets) {
  const auto prober = Make();
  ProbeRequest target = Target("vpn1");
  target.settings.interval = seconds(600);
  prober->Set(target);
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  prober->Set(target);
  EXPECT_EQ(prober->Find({"main", "vpn1"})->count(), 1u);

  target.settings.fall = 9;
  prober->Set(target);
  EXPECT_EQ(prober->Find({"main", "vpn1"})->fall(), 9u);
  EXPECT_EQ(prober->Find({"main", "vpn1"})->health(), Health::kUp) << "history stays";
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 2; })) << "and is asked at once";

  target.address = SocketAddress{IpAddress{}, 444};
  prober->Set(target);
  EXPECT_EQ(prober->Find({"main", "vpn1"})->health(), Health::kUnknown) << "another machine";
  target.settings.kind = config::ProbeKind::kNone;
  prober->Set(target);
  EXPECT_EQ(prober->Find({"main", "vpn1"}), nullptr);
}

TEST_F(ProberTest, TheCallbackMayChangeTargets) {
  const auto prober = Make();
  on_answer_ = [&](const ProbeAnswer& answer) {
    prober->Remove(answer.target);
    if (answer.target.backend == "vpn1") prober->Set(Target("vpn2"));
    EXPECT_EQ(answer.state.health(), Health::kUp);
    EXPECT_FALSE(answer.request.backend.empty());
  };
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 2; }));
  EXPECT_TRUE(prober->Targets().empty());
}

TEST_F(ProberTest, ShutdownWaitsForTheLast) {
  const auto prober = Make();
  stage_.takes = seconds(60);
  stage_.closes = milliseconds(30);
  for (const char* name : {"vpn1", "vpn2", "vpn3"}) prober->Set(Target(name));
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 3; }));
  bool done = false;
  prober->Shutdown([&] { done = true; });
  EXPECT_EQ(stage_.live, 3);
  ASSERT_TRUE(RunUntil([&] { return done; }));
  EXPECT_EQ(stage_.live, 0);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ProberTest, DestroyedWithProbesUnderWay) {
  auto prober = Make();
  stage_.takes = seconds(60);
  prober->Set(Target("vpn1"));
  prober->Set(Target("vpn2"));
  ASSERT_TRUE(RunUntil([&] { return stage_.live == 2; }));
  prober->Remove({"main", "vpn2"});
  prober.reset();
  EXPECT_EQ(stage_.live, 0);
}

TEST_F(ProberTest, FieldsForTheLog) {
  std::string line;
  on_answer_ = [&](const ProbeAnswer& answer) {
    if (!answer.changed() || answer.before == Health::kUnknown) return;
    line = FormatLogfmt("backend main/vpn1", AnswerFields(answer));
  };
  const auto prober = Make();
  prober->Set(Target("vpn1"));
  ASSERT_TRUE(RunUntil([&] { return seen_.size() == 1; }));
  stage_.outcomes["vpn1"] = Outcome::kTlsTimeout;
  ASSERT_TRUE(RunUntil([&] { return !line.empty(); }));
  EXPECT_EQ(line,
            "backend main/vpn1 went=down was=up history=1000 fall=3/3 outcome=tls_timeout "
            "took=0us");
}

// With a real server, from another thread, by Post().
TEST(Prober, RealServerGoesAndComesBack) {
  auto server = std::make_unique<SstpServer>(Ok200());
  ProbeRequest request = RequestFor(config::ProbeKind::kSstp, server->address());
  request.settings.interval = milliseconds(40);
  request.settings.fast_interval = milliseconds(10);

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Health> healths;
  LoopThread thread("prober");
  std::unique_ptr<Prober> prober;
  thread.Start();
  thread.loop().Post([&] {
    prober =
        std::make_unique<Prober>(thread.loop(), Prober::Options{}, [&](const ProbeAnswer& answer) {
          const std::lock_guard lock(mutex);
          if (answer.changed()) {
            healths.push_back(answer.state.health());
          }
          changed.notify_all();
        });
    prober->Set(request);
  });
  const auto wait_for = [&](std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(10), [&] { return healths.size() >= count; });
  };
  EXPECT_TRUE(wait_for(1));
  server.reset();
  EXPECT_TRUE(wait_for(2));
  thread.loop().Post([&] { prober.reset(); });
  thread.Join();
  EXPECT_EQ(healths, (std::vector<Health>{Health::kUp, Health::kDown}));
}

}  // namespace
}  // namespace sstplb::probes
