// A poller and what lives in its set: edges told once, both slots, the mailbox, the alarm.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/poller.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lb/base/alarm.h"
#include "lb/base/mailbox.h"

namespace sstplb {
namespace {

using std::chrono::milliseconds;

class Recorder final : public Poller::Watcher {
 public:
  void OnReady(unsigned slot, std::uint32_t events) override { seen.emplace_back(slot, events); }
  std::vector<std::pair<unsigned, std::uint32_t>> seen;
};

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    near.Reset(ends[0]);
    far.Reset(ends[1]);
  }
  Fd near, far;
};

void Turn(Poller& poller, bool block = false) {
  poller.Wait(block ? std::nullopt : std::optional(std::chrono::milliseconds(0)));
  poller.Tell();
}

TEST(Poller, ForgetsASocketOfWhichAnotherCopyStaysOpen) {
  Poller poller;
  Recorder recorder;
  Pair pair;
  const Fd copy(::dup(pair.near.get()));
  ASSERT_TRUE(poller.WatchShared(pair.near.get(), recorder));
  ASSERT_EQ(::send(pair.far.get(), "a", 1, 0), 1);
  Turn(poller);
  EXPECT_EQ(recorder.seen.size(), 1u);
  poller.Forget(pair.near.get());
  pair.near.Reset();
  Turn(poller);
  EXPECT_EQ(recorder.seen.size(), 1u);
}

TEST(Poller, TellsNobodyOfASocketWhoseWatcherIsGoneThoughACopyStaysOpen) {
  Poller poller;
  Pair pair;
  const Fd copy(::dup(pair.near.get()));
  auto gone = std::make_unique<Recorder>();
  ASSERT_TRUE(poller.Watch(pair.near.get(), *gone));
  pair.near.Reset();
  gone.reset();
  Recorder next;  // in the same seat
  Pair other;
  ASSERT_TRUE(poller.Watch(other.near.get(), next, 1));
  Turn(poller);
  next.seen.clear();
  ASSERT_EQ(::send(pair.far.get(), "a", 1, 0), 1);
  Turn(poller);
  EXPECT_TRUE(next.seen.empty());
  ASSERT_EQ(::send(other.far.get(), "a", 1, 0), 1);
  Turn(poller);
  ASSERT_EQ(next.seen.size(), 1u);
  EXPECT_EQ(next.seen[0].first, 1u);
}

TEST(Poller, TellsWhatIsThereAlreadyAndEachChangeOnce) {
  Poller poller;
  Recorder recorder;
  Pair pair;
  ASSERT_EQ(::send(pair.far.get(), "a", 1, 0), 1);
  ASSERT_TRUE(poller.Watch(pair.near.get(), recorder, 1));
  Turn(poller);
  ASSERT_EQ(recorder.seen.size(), 1u);
  EXPECT_EQ(recorder.seen[0].first, 1u);
  EXPECT_EQ(recorder.seen[0].second, static_cast<std::uint32_t>(EPOLLIN | EPOLLOUT));
  Turn(poller);
  EXPECT_EQ(recorder.seen.size(), 1u) << "unread, but no news";
  ASSERT_EQ(::send(pair.far.get(), "b", 1, 0), 1);
  Turn(poller);
  EXPECT_EQ(recorder.seen.size(), 2u);
  pair.far.Reset();
  Turn(poller);
  ASSERT_EQ(recorder.seen.size(), 3u);
  EXPECT_NE(recorder.seen[2].second & EPOLLRDHUP, 0u);
}

TEST(Poller, TellsInputAgainAsLongAsThereIsSome) {
  Poller poller;
  Recorder recorder;
  Pair pair;
  ASSERT_TRUE(poller.WatchInput(pair.near.get(), recorder));
  ASSERT_EQ(::send(pair.far.get(), "a", 1, 0), 1);
  Turn(poller);
  Turn(poller);
  EXPECT_EQ(recorder.seen.size(), 2u);
}

TEST(Poller, ForgetsWhatIsClosed) {
  Poller poller;
  Recorder recorder;
  Pair pair;
  ASSERT_TRUE(poller.Watch(pair.near.get(), recorder));
  pair.near.Reset();
  Turn(poller);
  EXPECT_TRUE(recorder.seen.empty());
}

TEST(Mailbox, TasksOfOtherThreadsRunInOrderAndWakeTheWait) {
  Poller poller;
  Mailbox mailbox(poller);
  std::vector<int> ran;
  mailbox.Post([&] { ran.push_back(0); });
  std::thread other([&] {
    for (int i = 1; i < 1000; ++i) mailbox.Post([&ran, i] { ran.push_back(i); });
  });
  while (ran.size() < 1000) Turn(poller, /*block=*/true);
  other.join();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(Mailbox, ATaskMayPostAnother) {
  Poller poller;
  Mailbox mailbox(poller);
  int ran = 0;
  mailbox.Post([&] {
    ++ran;
    mailbox.Post([&] { ++ran; });
  });
  Turn(poller, true);
  EXPECT_EQ(ran, 1);
  Turn(poller, true);
  EXPECT_EQ(ran, 2);
}

TEST(Alarm, RingsByTheEarliestDeadlineAndOnlyOnce) {
  Poller poller;
  Alarm alarm(poller);
  const TimePoint begin = Clock::now();
  alarm.RingBy(begin + std::chrono::hours(1));
  alarm.RingBy(begin + milliseconds(20));
  alarm.RingBy(begin + std::chrono::hours(2));
  EXPECT_FALSE(alarm.TakeRing());
  Turn(poller, true);
  EXPECT_TRUE(alarm.TakeRing());
  EXPECT_GE(Clock::now() - begin, milliseconds(20));
  EXPECT_FALSE(alarm.TakeRing());
  Turn(poller);
  EXPECT_FALSE(alarm.TakeRing());
}

TEST(Alarm, ADeadlineThatHasPassedRingsAtOnce) {
  Poller poller;
  Alarm alarm(poller);
  alarm.RingBy(TimePoint());
  Turn(poller, true);
  EXPECT_TRUE(alarm.TakeRing());
  alarm.RingBy(Clock::now() - milliseconds(5));
  Turn(poller, true);
  EXPECT_TRUE(alarm.TakeRing());
}

}  // namespace
}  // namespace sstplb
