// UpgradeBook: what the status says, and what goes from process to process.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/upgrade_book.h"

#include <gtest/gtest.h>

namespace sstplb::control {
namespace {

using namespace std::chrono_literals;

DaemonStatus StatusOf(const UpgradeBook& book) {
  DaemonStatus status;
  book.Tell(status);
  return status;
}

TEST(UpgradeBook, AnUpgradeIsUnderWayUntilItFails) {
  UpgradeBook book;
  EXPECT_FALSE(StatusOf(book).upgrading);
  EXPECT_FALSE(StatusOf(book).takeover.has_value());
  book.BeginUpgrade();
  EXPECT_TRUE(StatusOf(book).upgrading);
  book.EndUpgrade("the new process: ended with 1");
  EXPECT_FALSE(StatusOf(book).upgrading);
  EXPECT_EQ(StatusOf(book).upgrade_failed, "the new process: ended with 1");
  book.BeginUpgrade();
  EXPECT_EQ(StatusOf(book).upgrade_failed, "") << "the next one begins afresh";
}

TEST(UpgradeBook, NothingIsDecidedWhileItHandsOver) {
  UpgradeBook book;
  EXPECT_FALSE(book.handing_over());
  book.BeginHandoff();
  EXPECT_TRUE(book.handing_over());
  book.EndHandoff();
  EXPECT_FALSE(book.handing_over());
}

TEST(UpgradeBook, TotalsGoFromProcessToProcess) {
  UpgradeBook first;
  first.NoteFailedHandoff();
  first.TookOver({.when = WallTime(), .sessions = 20, .pause = 3ms});
  UpgradeBook second;
  second.Restore(first.Counts());
  EXPECT_FALSE(StatusOf(second).takeover.has_value()) << "that was the other's";
  second.TookOver({.when = WallTime(), .sessions = 22, .pause = 5ms});
  const DaemonStatus status = StatusOf(second);
  EXPECT_EQ(status.handoffs.taken, 2u);
  EXPECT_EQ(status.handoffs.failed, 1u);
  EXPECT_EQ(status.handoffs.sessions, 42u);
  EXPECT_NEAR(status.handoffs.pauses.sum(), 0.008, 1e-6);
  ASSERT_TRUE(status.takeover.has_value());
  EXPECT_EQ(status.takeover->sessions, 22u);
}

}  // namespace
}  // namespace sstplb::control
