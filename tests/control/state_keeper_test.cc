// StateKeeper: what is on the disk when, and what is never written over.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/state_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace sstplb::control {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

IpAddress Nth(std::uint32_t n) {
  return IpAddress::V4({10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                        static_cast<std::uint8_t>(n)});
}

class StateKeeperTest : public testing::Test {
 protected:
  StateKeeperTest() : table_(std::make_shared<balance::StickTable>(hours(8))) {
    std::string name = (fs::temp_directory_path() / "sstplb-keeper-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~StateKeeperTest() override { fs::remove_all(folder_); }

  std::string Path() const { return (folder_ / "state").string(); }
  std::string Read() const {
    std::ifstream in(folder_ / "state", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const std::string& text) const { std::ofstream(folder_ / "state") << text; }
  // Looks until the thread has written it.
  bool Appears(const std::string& text) const {
    const TimePoint deadline = Clock::now() + seconds(10);
    while (Clock::now() < deadline) {
      if (Read().find(text) != std::string::npos) return true;
      std::this_thread::yield();
    }
    return false;
  }
  StateKeeper::Tables Tables() const { return {{"main", table_}}; }
  static backend::State Weight(std::uint32_t weight) {
    backend::State state;
    state.decisions = {{.pool = "main", .backend = "vpn1", .weight = weight}};
    return state;
  }

  const std::unique_ptr<Logger> log_ = Logger::Null();
  const TimePoint now_ = Clock::now();
  std::shared_ptr<balance::StickTable> table_;
  fs::path folder_;
};

TEST_F(StateKeeperTest, ADecisionIsOnTheDiskAtOnceAndTheAffinityStaysWithIt) {
  StateKeeper keeper(*log_);
  EXPECT_EQ(keeper.Begin(Path()), backend::State{});
  keeper.Save(Weight(5));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
  table_->Remember(Nth(1), "vpn1", now_);
  keeper.Tick(now_, Tables());
  ASSERT_TRUE(Appears("10.0.0.1"));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
  keeper.Save(Weight(6));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":6"));
  EXPECT_THAT(Read(), HasSubstr("10.0.0.1"));
}

TEST_F(StateKeeperTest, AffinityIsWrittenAtItsPaceAndOnlyWhenItChanges) {
  StateKeeper keeper(*log_);
  (void)keeper.Begin(Path());
  keeper.Tick(now_, Tables());
  EXPECT_FALSE(fs::exists(Path())) << "nothing to tell";
  table_->Remember(Nth(1), "vpn1", now_);
  table_->SessionEnded(Nth(1), now_);
  keeper.Tick(now_, Tables());
  ASSERT_TRUE(Appears("10.0.0.1"));
  table_->Remember(Nth(2), "vpn1", now_);
  keeper.Tick(now_ + StateKeeper::kPace / 2, Tables());
  keeper.Save(Weight(5));  // from behind the thread, had it begun
  EXPECT_THAT(Read(), Not(HasSubstr("10.0.0.2"))) << "too early";
  // The thread may not have said yet that it is done.
  const TimePoint deadline = Clock::now() + seconds(10);
  while (Read().find("10.0.0.2") == std::string::npos && Clock::now() < deadline) {
    keeper.Tick(now_ + StateKeeper::kPace, Tables());
  }
  EXPECT_THAT(Read(), HasSubstr("10.0.0.2"));
}

TEST_F(StateKeeperTest, TheEndWritesWhatIsNew) {
  {
    StateKeeper keeper(*log_);
    (void)keeper.Begin(Path());
    keeper.Save(Weight(5));
    table_->Remember(Nth(1), "vpn1", now_);
    keeper.Finish(Tables());
    fs::remove(Path());
    keeper.Save(Weight(6));
    EXPECT_FALSE(fs::exists(Path())) << "and no more after it";
    fs::remove(Path());
  }
  StateKeeper keeper(*log_);
  (void)keeper.Begin(Path());
  keeper.Release();
  keeper.Save(Weight(7));
  keeper.Tick(now_, Tables());
  keeper.Finish(Tables());
  EXPECT_FALSE(fs::exists(Path())) << "it is another process's";
}

TEST_F(StateKeeperTest, WhatWasWrittenIsRead) {
  {
    StateKeeper keeper(*log_);
    (void)keeper.Begin(Path());
    keeper.Save(Weight(5));
    table_->Remember(Nth(1), "vpn1", now_);
    keeper.Finish(Tables());
  }
  StateKeeper keeper(*log_);
  const backend::State state = keeper.Begin(Path());
  EXPECT_EQ(state.decisions, Weight(5).decisions);
  ASSERT_EQ(state.affinity.size(), 1u);
  ASSERT_EQ(state.affinity[0].clients.size(), 1u);
  EXPECT_EQ(state.affinity[0].clients[0].source, Nth(1));
  keeper.Save(Weight(6));
  EXPECT_THAT(Read(), HasSubstr("10.0.0.1")) << "also before the first look at the tables";
}

TEST_F(StateKeeperTest, AProcessThatTakesOverWritesWhatItWasGiven) {
  Write("which is not read");
  StateKeeper keeper(*log_);
  keeper.Continue(Path(), Weight(5));
  EXPECT_EQ(Read(), "which is not read");
  table_->Restore({{Nth(1), "vpn1", 1, hours(8)}}, now_);
  keeper.Tick(now_, Tables());
  ASSERT_TRUE(Appears("10.0.0.1"));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
}

TEST_F(StateKeeperTest, AFileThatCannotBeUsedIsNeverWrittenOver) {
  Write("of somebody else");
  StateKeeper keeper(*log_);
  EXPECT_EQ(keeper.Begin(Path()), backend::State{});
  EXPECT_FALSE(fs::exists(Path())) << "kept aside";
  keeper.Save(Weight(5));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
  fs::remove(Path());
  fs::create_directory(Path());  // which is left where it is
  StateKeeper other(*log_);
  (void)other.Begin(Path());
  other.Save(Weight(5));
  EXPECT_TRUE(fs::is_directory(Path()));
}

TEST_F(StateKeeperTest, MovesToAnotherPlace) {
  StateKeeper keeper(*log_);
  (void)keeper.Begin("");
  keeper.Save(Weight(4));
  Write("of somebody else");
  keeper.Move(Path(), Weight(5));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2) << "theirs is kept";
  keeper.Move("", Weight(6));
  keeper.Save(Weight(7));
  EXPECT_THAT(Read(), HasSubstr("\"weight\":5"));
}

}  // namespace
}  // namespace sstplb::control
