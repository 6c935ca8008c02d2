// The admin socket: its mode, and what it takes the place of.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/listen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "tests/admin/raw_client.h"
#include "tests/admin/temp_folder.h"

namespace sstplb::admin {
namespace {

using testing::ConnectUnix;
using ::testing::HasSubstr;
using testing::TempFolder;

bool Exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

int ModeOf(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777) : -1;
}

TEST(UnixListenerTest, HasItsModeWhateverTheUmask) {
  const TempFolder folder;
  const std::string path = folder / "a.sock";
  for (const mode_t mask : {0000u, 0022u, 0077u}) {
    for (const std::uint32_t mode : {0600u, 0660u, 0666u}) {
      const mode_t before = ::umask(mask);
      const auto listener = UnixListener::Open(path, mode);
      ::umask(before);
      ASSERT_TRUE(listener.ok()) << listener.error().message;
      EXPECT_EQ(ModeOf(path), static_cast<int>(mode)) << mask;
    }
  }
}

TEST(UnixListenerTest, RemovesItsFileAndMakesTheFolder) {
  const TempFolder folder;
  const std::string path = folder / "sub/a.sock";
  {
    const auto listener = UnixListener::Open(path, 0600);
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    EXPECT_TRUE(ConnectUnix(path).valid());
  }
  EXPECT_FALSE(Exists(path));
}

TEST(UnixListenerTest, TakesThePlaceOfAStaleSocket) {
  const TempFolder folder;
  const std::string path = folder / "a.sock";
  // A process that is gone leaves a file that refuses connections.
  const Fd gone(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(gone.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_FALSE(ConnectUnix(path).valid());

  const auto listener = UnixListener::Open(path, 0600);
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  EXPECT_TRUE(ConnectUnix(path).valid());
}

TEST(UnixListenerTest, LeavesALivingSocketAlone) {
  const TempFolder folder;
  const std::string path = folder / "a.sock";
  const auto first = UnixListener::Open(path, 0600);
  ASSERT_TRUE(first.ok());
  const auto second = UnixListener::Open(path, 0600);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("already answers at " + path));
  EXPECT_TRUE(ConnectUnix(path).valid());
}

TEST(UnixListenerTest, LeavesOtherFilesAlone) {
  const TempFolder folder;
  const std::string path = folder / "precious";
  std::ofstream(path) << "data";
  const auto listener = UnixListener::Open(path, 0600);
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(listener.error().message, HasSubstr("is no socket"));
  EXPECT_TRUE(Exists(path));
}

TEST(UnixListenerTest, DoesNotRemoveItsSuccessor) {
  const TempFolder folder;
  const std::string path = folder / "a.sock";
  auto first = UnixListener::Open(path, 0600);
  ASSERT_TRUE(first.ok());
  std::optional<UnixListener> old(std::move(*first));
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const auto second = UnixListener::Open(path, 0600);
  ASSERT_TRUE(second.ok());
  old.reset();
  EXPECT_TRUE(ConnectUnix(path).valid());
}

TEST(UnixListenerTest, ChecksTheLengthOfThePath) {
  const auto listener = UnixListener::Open("/tmp/" + std::string(103, 'a'), 0600);
  ASSERT_FALSE(listener.ok());
  EXPECT_THAT(listener.error().message, HasSubstr("1 to 107 bytes, not 108"));
}

TEST(ListenTcpTest, SaysWhatIsInUse) {
  const auto first = ListenTcp(*SocketAddress::Parse("127.0.0.1:0"));
  ASSERT_TRUE(first.ok());
  const auto second = ListenTcp(*LocalAddress(first->get()));
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("admin.http: cannot listen at 127.0.0.1:"));
}

}  // namespace
}  // namespace sstplb::admin
