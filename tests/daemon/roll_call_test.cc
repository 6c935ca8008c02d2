// A worker that does not come round to its question is missed, and nobody is asked twice.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/roll_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace sstplb::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kPatience = std::chrono::seconds(10);

class RollCallTest : public ::testing::Test {
 protected:
  RollCallTest() {
    constexpr std::uint32_t kWorkers = 3;
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      workers_.push_back(std::make_unique<worker::Worker>(i, *log_, budget_, kWorkers));
      workers_.back()->Start();
    }
    roll_call_ = std::make_unique<RollCall>(control_.loop(), workers_);
    control_.Start();
  }
  ~RollCallTest() override {
    for (const auto& worker : workers_) worker->Stop();
    control_.Join();
  }

  // What `question` says on the control loop.
  template <class Question>
  auto OnLoop(Question question) {
    return control::Ask(control_.loop(), question).value();
  }
  // Begins one: the future of its end, which is not valid when it was not begun.
  std::future<void> Begin() {
    auto ended = std::make_shared<std::promise<void>>();
    const bool begun =
        OnLoop([this, ended] { return roll_call_->Begin([ended] { ended->set_value(); }); });
    return begun ? ended->get_future() : std::future<void>();
  }
  std::vector<std::size_t> Missing() {
    return OnLoop([this] { return roll_call_->Missing(); });
  }

  std::unique_ptr<Logger> log_ = Logger::Null();
  session::SessionBudget budget_{100};
  control::Workers workers_;
  LoopThread control_{"control"};
  std::unique_ptr<RollCall> roll_call_;
};

TEST_F(RollCallTest, EndsWhenAllHaveAnsweredTimeAndAgain) {
  for (int round = 0; round < 100; ++round) {
    const auto ended = Begin();
    ASSERT_TRUE(ended.valid()) << round;
    ASSERT_EQ(ended.wait_for(kPatience), std::future_status::ready) << round;
    EXPECT_THAT(Missing(), IsEmpty());
  }
}

TEST_F(RollCallTest, MissesTheWorkerThatIsStuckAndGoesOnWithIt) {
  std::promise<void> stuck;
  std::promise<void> release;
  workers_[1]->Post([&](worker::Worker&) {
    stuck.set_value();
    release.get_future().wait();
  });
  stuck.get_future().wait();

  const auto ended = Begin();
  ASSERT_TRUE(ended.valid());
  // The other two have answered when what was posted to them later has been done.
  for (const std::size_t other : {0u, 2u}) {
    std::promise<void> passed;
    workers_[other]->Post([&](worker::Worker&) { passed.set_value(); });
    passed.get_future().wait();
  }
  EXPECT_THAT(Missing(), ElementsAre(1));
  EXPECT_FALSE(Begin().valid()) << "one question at a time";
  EXPECT_EQ(ended.wait_for(std::chrono::seconds(0)), std::future_status::timeout);

  release.set_value();
  EXPECT_EQ(ended.wait_for(kPatience), std::future_status::ready);
  EXPECT_THAT(Missing(), IsEmpty());
  EXPECT_EQ(Begin().wait_for(kPatience), std::future_status::ready);
}

}  // namespace
}  // namespace sstplb::daemon
