// Fd: one owner, closed once.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sstplb {
namespace {

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
Fd Open() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(Fd, ClosesWhatItOwns) {
  int number = -1;
  {
    const Fd fd = Open();
    number = fd.get();
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(Fd, AMovedOneOwnsNothing) {
  Fd a = Open();
  const int number = a.get();
  Fd b = std::move(a);
  EXPECT_FALSE(a.valid());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(b.get(), number);
  Fd c = Open();
  const int replaced = c.get();
  c = std::move(b);
  EXPECT_FALSE(IsOpen(replaced));
  EXPECT_TRUE(IsOpen(number));
  Fd& same = c;
  c = std::move(same);
  EXPECT_TRUE(IsOpen(number));
}

TEST(Fd, ReleaseAndReset) {
  Fd fd = Open();
  const int number = fd.Release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(number));
  fd.Reset(number);
  fd.Reset();
  EXPECT_FALSE(IsOpen(number));
  fd.Reset();  // nothing to close
  EXPECT_FALSE(Fd().valid());
}

}  // namespace
}  // namespace sstplb
