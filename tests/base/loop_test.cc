// Loop: tasks from any thread run in order on its own, and Stop() ends it.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace sstplb {
namespace {

using testing::ElementsAre;

TEST(Loop, TasksRunInOrderBeforeStop) {
  Loop loop;
  std::vector<int> ran;
  for (int i = 1; i <= 3; ++i) loop.Post([&ran, i] { ran.push_back(i); });
  loop.Stop();
  loop.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

TEST(Loop, ATaskMayPostAnother) {
  Loop loop;
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth == 100) return loop.Stop();
    loop.Post(again);
  };
  loop.Post(again);
  loop.Run();
  EXPECT_EQ(depth, 100);
}

TEST(Loop, WhatNeverRanIsDestroyedWithTheLoop) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  {
    Loop loop;
    loop.Stop();
    loop.Run();
    loop.Post([held = std::move(held)] {});
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Loop, RunsAgainAfterStop) {
  Loop loop;
  loop.Stop();
  loop.Run();
  bool ran = false;
  loop.Post([&] { ran = true; });
  loop.Stop();
  loop.Run();
  EXPECT_TRUE(ran);
}

TEST(LoopThread, TasksOfManyThreadsAllRunOnItsOwn) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  LoopThread thread("loop test with a long name");
  thread.Start();
  std::vector<std::pair<int, int>> ran;  // only touched on the loop
  bool elsewhere = false;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        thread.loop().Post([&, t, i] {
          ran.emplace_back(t, i);
          if (!thread.loop().OnLoopThread()) elsewhere = true;
        });
      }
    });
  }
  std::promise<void> running;  // until it runs, the loop is its maker's
  thread.loop().Post([&] { running.set_value(); });
  running.get_future().wait();
  EXPECT_FALSE(thread.loop().OnLoopThread());
  for (std::thread& poster : posters) poster.join();
  thread.Join();
  thread.Join();  // twice is fine
  ASSERT_EQ(ran.size(), std::size_t{kThreads * kEach});
  EXPECT_FALSE(elsewhere);
  std::vector<int> next(kThreads, 0);
  for (const auto& [t, i] : ran) EXPECT_EQ(i, next[static_cast<std::size_t>(t)]++);
}

TEST(LoopThread, StopsWithoutEverHavingStarted) {
  LoopThread thread("never");
  thread.loop().Post([] { FAIL() << "nothing runs it"; });
}

TEST(LoopThread, WatchersRun) {
  struct Timer {
    explicit Timer(Loop& loop) : timer(loop.ev()) {
      timer.set<Timer, &Timer::OnTime>(this);
      timer.start(0.001);
    }
    void OnTime(ev::timer&, int) { fired.set_value(); }
    ev::timer timer;
    std::promise<void> fired;
  };
  LoopThread thread("timer");
  Timer timer(thread.loop());
  thread.Start();
  EXPECT_EQ(timer.fired.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  thread.Join();
}

TEST(Loop, EvSecondsIsNeverNegative) {
  EXPECT_EQ(EvSeconds(std::chrono::milliseconds(1500)), 1.5);
  EXPECT_EQ(EvSeconds(Duration(0)), 0.0);
  EXPECT_EQ(EvSeconds(std::chrono::seconds(-3)), 0.0);
}

}  // namespace
}  // namespace sstplb
