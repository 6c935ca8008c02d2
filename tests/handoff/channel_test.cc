// Messages with descriptors between two ends, and everything that keeps one from coming.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/admin/temp_folder.h"

namespace sstplb::handoff {
namespace {

using Kind = ChannelError::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

struct Ends {
  Ends() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    near.emplace(Fd(fds[0]));
    far.emplace(Fd(fds[1]));
  }
  // Past the format: one packet as it is.
  void SendRaw(std::string_view packet) const {
    EXPECT_EQ(::send(far->fd(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
  }
  std::optional<Channel> near;
  std::optional<Channel> far;
};

Bytes RandomBytes(std::size_t size) {
  std::mt19937 random(7);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

std::vector<Fd> Files(std::size_t count) {
  std::vector<Fd> files;
  for (std::size_t i = 0; i < count; ++i) {
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(files.back().valid());
  }
  return files;
}

std::vector<int> Numbers(const std::vector<Fd>& files) {
  std::vector<int> numbers;
  for (const Fd& file : files) numbers.push_back(file.get());
  return numbers;
}

TEST(Channel, BodiesOfEverySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, Channel::kMaxPart - 1,
                                 Channel::kMaxPart, Channel::kMaxPart + 1, Channel::kMaxBody}) {
    Ends ends;
    const Bytes body = RandomBytes(size);
    std::thread sender([&] { EXPECT_TRUE(ends.far->Send(MessageType::kConfig, body).ok()); });
    const auto got = ends.near->Receive(seconds(10));
    sender.join();
    ASSERT_TRUE(got) << size << ": " << got.error().what;
    EXPECT_EQ(got->type, MessageType::kConfig);
    EXPECT_TRUE(got->body == body) << size;
    EXPECT_TRUE(got->fds.empty());
  }
}

TEST(Channel, ABodyThatIsTooLargeIsNotSent) {
  Ends ends;
  const auto sent = ends.far->Send(MessageType::kConfig, Bytes(Channel::kMaxBody + 1));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, Kind::kBroken);
  EXPECT_EQ(ends.near->Receive(milliseconds(0)).error().kind, Kind::kTimeout);
}

TEST(Channel, ABodyThatNeverEndsIsRefused) {
  Ends ends;
  std::thread sender([&] {
    std::string packet(2 + Channel::kMaxPart, 'x');
    packet[0] = 4;
    packet[1] = 1;
    // Until the other end is closed.
    while (::send(ends.far->fd(), packet.data(), packet.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  const auto got = ends.near->Receive(seconds(10));
  ends.near.reset();
  sender.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, Kind::kBroken);
}

TEST(Channel, DescriptorsComeWithTheFirstPartOfAMessage) {
  Ends ends;
  int pipes[2] = {-1, -1};
  ASSERT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
  const Fd read_end(pipes[0]);
  Fd write_end(pipes[1]);
  const std::vector<int> fds = {write_end.get()};
  const Bytes body = RandomBytes(2 * Channel::kMaxPart + 5);
  std::thread sender([&] {
    EXPECT_TRUE(ends.far->Send(MessageType::kSessions, body, fds).ok());
    EXPECT_TRUE(ends.far->Send(MessageType::kEnd).ok());
  });
  auto got = ends.near->Receive(seconds(10));
  const auto next = ends.near->Receive(seconds(10));
  sender.join();
  ASSERT_TRUE(got && next);
  EXPECT_TRUE(got->body == body);
  ASSERT_EQ(got->fds.size(), 1u);
  EXPECT_TRUE(next->fds.empty());
  EXPECT_NE(::fcntl(got->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  // It is the same pipe, and ours alone now.
  write_end.Reset();
  ASSERT_EQ(::write(got->fds[0].get(), "!", 1), 1);
  got->fds.clear();
  char bytes[2] = {};
  EXPECT_EQ(::read(read_end.get(), bytes, 2), 1);
  EXPECT_EQ(::read(read_end.get(), bytes, 2), 0);
}

TEST(Channel, AsManyDescriptorsAsAMessageMayHaveAndNotOneMore) {
  Ends ends;
  const auto files = Files(Channel::kMaxFds + 1);
  const auto numbers = Numbers(files);
  const auto refused = ends.far->Send(MessageType::kSessions, {}, numbers);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kBroken);
  ASSERT_TRUE(
      ends.far->Send(MessageType::kSessions, {}, std::span(numbers).first(Channel::kMaxFds)).ok());
  const auto got = ends.near->Receive(seconds(10));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->fds.size(), Channel::kMaxFds);
}

TEST(Channel, DescriptorsThatThereIsNoRoomForAreAnError) {
  Ends ends;
  const auto files = Files(20);
  ASSERT_TRUE(ends.far->Send(MessageType::kSessions, {}, Numbers(files)).ok());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Room for five: descriptors take the lowest number that is free.
  const auto few = Files(6);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(few.back().get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto got = ends.near->Receive(seconds(10));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, Kind::kBroken);
  EXPECT_THAT(got.error().what, HasSubstr("LimitNOFILE"));
}

TEST(Channel, WhatWasSentBeforeTheEndIsReadFirst) {
  Ends ends;
  ASSERT_TRUE(ends.far->Send(MessageType::kAbort, AsBytes("because")).ok());
  ends.far.reset();
  const auto last = ends.near->Receive(seconds(10));
  ASSERT_TRUE(last);
  EXPECT_EQ(AsText(last->body), "because");
  const auto end = ends.near->Receive(seconds(10));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, Kind::kEnded);
  const auto sent = ends.near->Send(MessageType::kAck);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, Kind::kEnded);
}

// Whoever ends with unread messages resets the connection; what it said before still counts.
TEST(Channel, AMessageBeforeAResetIsRead) {
  Ends ends;
  ASSERT_TRUE(ends.near->Send(MessageType::kCommit).ok());
  ASSERT_TRUE(ends.far->Send(MessageType::kTaken).ok());
  ends.far.reset();
  const auto taken = ends.near->Receive(seconds(10));
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_EQ(taken->type, MessageType::kTaken);
  EXPECT_EQ(ends.near->Receive(seconds(10)).error().kind, Kind::kEnded);
}

TEST(Channel, AnEndInsideAMessageIsAnEnd) {
  Ends ends;
  ends.SendRaw(std::string("\x04\x01part", 6));
  ends.far.reset();
  EXPECT_EQ(ends.near->Receive(seconds(10)).error().kind, Kind::kEnded);
}

TEST(Channel, NothingInTimeIsATimeout) {
  Ends ends;
  EXPECT_EQ(ends.near->Receive(milliseconds(20)).error().kind, Kind::kTimeout);
  EXPECT_EQ(ends.near->Receive(-seconds(1)).error().kind, Kind::kTimeout);
  // Half a message is none.
  ends.SendRaw(std::string("\x04\x01part", 6));
  EXPECT_EQ(ends.near->Receive(milliseconds(20)).error().kind, Kind::kTimeout);
}

TEST(Channel, AReaderThatStandsStillIsGivenUp) {
  Ends ends;
  const auto before = Clock::now();
  const auto sent =
      ends.far->Send(MessageType::kConfig, Bytes(Channel::kMaxBody), {}, milliseconds(50));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, Kind::kTimeout);
  EXPECT_GE(Clock::now() - before, milliseconds(50));
}

TEST(Channel, PacketsOfAnotherFormatAreRefused) {
  for (const std::string& packet : {std::string("\x04", 1), std::string("\x04\x02xyz", 5),
                                    std::string(2 + Channel::kMaxPart + 1, '\0')}) {
    Ends ends;
    ends.SendRaw(packet);
    const auto got = ends.near->Receive(seconds(10));
    ASSERT_FALSE(got) << packet.size();
    EXPECT_EQ(got.error().kind, Kind::kBroken);
  }
}

TEST(Channel, PartsOfTwoMessagesDoNotMix) {
  Ends ends;
  ends.SendRaw(std::string("\x04\x01part", 6));
  ends.SendRaw(std::string("\x05\x00part", 6));
  EXPECT_EQ(ends.near->Receive(seconds(10)).error().kind, Kind::kBroken);
}

TEST(Channel, AwaitEndLetsGoOfWhatComesMeanwhile) {
  Ends ends;
  ASSERT_TRUE(ends.far->Send(MessageType::kAck).ok());
  EXPECT_FALSE(ends.near->AwaitEnd(milliseconds(20)));
  ASSERT_TRUE(ends.far->Send(MessageType::kAck).ok());
  ends.far.reset();
  EXPECT_TRUE(ends.near->AwaitEnd(seconds(10)));
}

TEST(Channel, EveryMessageHasItsName) {
  for (int type = 1; type <= static_cast<int>(MessageType::kAck); ++type) {
    EXPECT_NE(ToString(static_cast<MessageType>(type)), "?") << type;
  }
  EXPECT_EQ(ToString(MessageType::kAck), "ACK");
  EXPECT_EQ(ToString(static_cast<MessageType>(200)), "?");
}

TEST(Channel, OnlyTheOwnerMayConnectToTheSocketFile) {
  const testing::TempFolder folder;
  const std::string path = HandoffPath(folder / "admin.sock");
  EXPECT_EQ(path, folder / "admin.sock.handoff");
  const auto socket = ListenAt(path);
  ASSERT_TRUE(socket) << socket.error().message;
  struct stat file {};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  const auto channel = Channel::Connect(path);
  EXPECT_TRUE(channel);
  // A file that was left behind is no obstacle.
  EXPECT_TRUE(ListenAt(path));
}

TEST(Channel, WhereNobodyListensTheErrorSaysWhatToDo) {
  const testing::TempFolder folder;
  const auto channel = Channel::Connect(folder / "none");
  ASSERT_FALSE(channel);
  EXPECT_THAT(channel.error().message, HasSubstr("without --takeover"));
  const auto too_long = ListenAt("/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(too_long);
  EXPECT_THAT(too_long.error().message, HasSubstr("admin.socket"));
}

}  // namespace
}  // namespace sstplb::handoff
