// What goes to the service manager's socket, and who speaks for the service.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "lb/daemon/service_watch.h"
#include "tests/daemon/notify_socket.h"

namespace sstplb::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Origin = ServiceManager::Origin;
using std::chrono::seconds;

std::string OwnPid() { return std::to_string(::getpid()); }

TEST(ServiceManagerTest, SaysWhatItIsTold) {
  const NotifySocket socket;
  ServiceManager manager(Origin::kStarted);
  ASSERT_TRUE(manager.present());
  manager.Ready("3 sessions");
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("READY", "1"), Pair("STATUS", "3 sessions")));
  manager.Status("two\nlines");
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("STATUS", "two lines")));
  manager.Feed();
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("WATCHDOG", "1")));
  manager.ExtendTimeout(seconds(10));
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("EXTEND_TIMEOUT_USEC", "10000000")));
  manager.Stopping("bye");
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("STATUS", "bye"), Pair("STOPPING", "1")));
}

TEST(ServiceManagerTest, AReloadNamesItsMomentOnTheMonotonicClock) {
  const NotifySocket socket;
  ServiceManager manager(Origin::kStarted);
  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  manager.Reloading();
  auto said = socket.Next();
  timespec after{};
  ::clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_EQ(said["RELOADING"], "1");
  const auto microseconds = [](const timespec& t) {
    return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
  };
  const long moment = std::atol(said["MONOTONIC_USEC"].c_str());
  EXPECT_GE(moment, microseconds(before));
  EXPECT_LE(moment, microseconds(after));
}

TEST(ServiceManagerTest, WithoutAManagerNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceManager manager(Origin::kSucceeded);
  EXPECT_FALSE(manager.present());
  manager.Ready("nobody listens");
  manager.Stopping("");
}

TEST(ServiceManagerTest, ASuccessorMakesItselfTheMainProcessOnce) {
  const NotifySocket socket;
  ServiceManager manager(Origin::kSucceeded);
  std::thread successor([&] { manager.Ready("taken over"); });
  EXPECT_THAT(socket.Next(), UnorderedElementsAre(Pair("MAINPID", OwnPid()), Pair("READY", "1"),
                                                  Pair("STATUS", "taken over")));
  // It waits until the manager has read so far: Next() closes the descriptor.
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("BARRIER", "1")));
  successor.join();
  manager.Ready("after a reload");
  EXPECT_THAT(socket.Next(), ElementsAre(Pair("READY", "1"), Pair("STATUS", "after a reload")));
}

TEST(ServiceManagerTest, ASuccessorDoesNotWaitForeverForItsManager) {
  const NotifySocket socket;
  ServiceManager manager(Origin::kSucceeded);
  const auto begun = Clock::now();
  manager.Ready("nobody reads");
  EXPECT_LT(Clock::now() - begun, seconds(10));
}

TEST(ServiceManagerTest, WhoHasHandedOverIsSilent) {
  const NotifySocket socket;
  ServiceManager manager(Origin::kStarted);
  manager.HandedOver();
  manager.Feed();
  manager.Stopping("not the service, only me");
  manager.ExtendTimeout(seconds(1));
  EXPECT_FALSE(socket.HasNext());
}

TEST(ServiceManagerTest, TheWatchdogIsThatOfThisProcess) {
  {
    const ScopedVariable timeout("WATCHDOG_USEC", "1500000");
    const ScopedVariable pid("WATCHDOG_PID", OwnPid());
    EXPECT_EQ(ServiceManager(Origin::kStarted).watchdog(), std::chrono::milliseconds(1500));
  }
  {
    const ScopedVariable timeout("WATCHDOG_USEC", "1500000");
    const ScopedVariable pid("WATCHDOG_PID", "1");
    EXPECT_EQ(ServiceManager(Origin::kStarted).watchdog(), std::nullopt);
    // What the process before did not feed, its successor does not either.
    EXPECT_EQ(ServiceManager(Origin::kSucceeded).watchdog(), std::nullopt);
  }
  {
    const ScopedVariable timeout("WATCHDOG_USEC", "soon");
    EXPECT_EQ(ServiceManager(Origin::kStarted).watchdog(), std::nullopt);
  }
  EXPECT_EQ(ServiceManager(Origin::kStarted).watchdog(), std::nullopt);
}

TEST(ServiceManagerTest, ASuccessorFeedsWhatTheProcessBeforeWasToFeed) {
  const ScopedVariable timeout("WATCHDOG_USEC", "1500000");
  const ScopedVariable pid("WATCHDOG_PID", std::to_string(::getppid()));
  EXPECT_EQ(ServiceManager(Origin::kSucceeded).watchdog(), std::chrono::milliseconds(1500));
  // And so does its own one.
  EXPECT_EQ(ServiceManager(Origin::kSucceeded).watchdog(), std::chrono::milliseconds(1500));
}

TEST(ServiceStatusTest, IsOneLine) {
  EXPECT_EQ(ServiceStatus({.sessions = 12, .backends = 4, .ready = 3}, std::nullopt),
            "12 sessions, 3 of 4 backends ready");
  EXPECT_EQ(ServiceStatus({.sessions = 1, .backends = 1, .ready = 1}, seconds(25)),
            "stopping: 1 session, closed within 25s");
  EXPECT_EQ(ServiceStatus({.sessions = 2}, seconds(-3)), "stopping: 2 sessions, closed within 0s");
}

}  // namespace
}  // namespace sstplb::daemon
