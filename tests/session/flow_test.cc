// One direction of a relay over real sockets: order, back-pressure, ends and deaths.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/flow.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/session/tcp_socket.h"

namespace sstplb::session {
namespace {

// A connected TCP pair on loopback: what is written to one end is read from the other.
struct TcpPair {
  TcpPair() {
    auto listening = Listen(*SocketAddress::Parse("127.0.0.1:0"), {.defer_accept = false});
    EXPECT_TRUE(listening.ok());
    sockaddr_storage storage{};
    const auto size = LocalAddress(listening->get())->ToSockaddr(storage);
    near.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(near.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
    ::fcntl(listening->get(), F_SETFL, 0);
    far.Reset(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::fcntl(near.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(far.get(), F_SETFL, O_NONBLOCK);
  }
  Fd near;  // the flow's
  Fd far;   // the peer's
};

class FlowTest : public ::testing::Test {
 protected:
  Flow::Outcome Move() { return flow_.Move(in_.near.get(), out_.near.get(), scratch_, nullptr); }
  // Waits until the peer's bytes, or its end, have arrived.
  void AwaitReadable(int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    ASSERT_EQ(::select(fd + 1, &set, nullptr, nullptr, &limit), 1);
  }
  std::string ReadAll(int fd) {
    std::string text;
    char buffer[65536];
    ssize_t got = 0;
    while ((got = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

  TcpPair in_, out_;
  Flow flow_;
  std::vector<std::uint8_t> scratch_ = std::vector<std::uint8_t>(4096);
};

TEST_F(FlowTest, MovesWhatIsThereAndThenWaits) {
  ASSERT_EQ(::send(in_.far.get(), "hello", 5, 0), 5);
  AwaitReadable(in_.near.get());
  EXPECT_EQ(Move(), Flow::Outcome::kMoved);
  AwaitReadable(out_.far.get());
  EXPECT_EQ(ReadAll(out_.far.get()), "hello");
  EXPECT_EQ(flow_.bytes(), 5u);
  EXPECT_EQ(Move(), Flow::Outcome::kMoved);
  EXPECT_TRUE(flow_.wants_read());
}

TEST_F(FlowTest, PassesTheEndOnAfterTheLastByte) {
  ASSERT_EQ(::send(in_.far.get(), "last", 4, 0), 4);
  in_.far.Reset();
  AwaitReadable(in_.near.get());
  Flow::Outcome outcome = Move();
  if (outcome == Flow::Outcome::kMoved) outcome = Move();
  EXPECT_EQ(outcome, Flow::Outcome::kEof);
  EXPECT_TRUE(flow_.ended());
  EXPECT_FALSE(flow_.wants_read());
  AwaitReadable(out_.far.get());
  EXPECT_EQ(ReadAll(out_.far.get()), "last");
  char byte = 0;
  EXPECT_EQ(::recv(out_.far.get(), &byte, 1, 0), 0) << "the end has come through";
  EXPECT_GT(::send(out_.far.get(), "x", 1, MSG_NOSIGNAL), 0) << "the other direction is open";
}

TEST_F(FlowTest, HoldsAtMostOneBlockWhenTheReceiverStalls) {
  std::mt19937 random(1);
  std::string sent;
  std::string received;
  // Push until neither the receiver nor the flow takes any more.
  std::string chunk(16384, '\0');
  for (int stalled = 0; stalled < 3;) {
    for (char& c : chunk) c = static_cast<char>(random());
    const ssize_t n = ::send(in_.far.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (n > 0) sent.append(chunk, 0, static_cast<std::size_t>(n));
    stalled = n < 0 ? stalled + 1 : 0;
    if (!flow_.wants_read()) continue;
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(flow_.has_pending());
  EXPECT_FALSE(flow_.wants_read()) << "nothing more is read while a block waits";
  // The receiver comes back: every byte, in order.
  while (received.size() < sent.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_FALSE(flow_.has_pending());
}

TEST_F(FlowTest, TellsADeadSenderFromADeadReceiver) {
  ResetOnClose(in_.far.get());
  in_.far.Reset();
  AwaitReadable(in_.near.get());
  EXPECT_EQ(Move(), Flow::Outcome::kReadError);
  EXPECT_EQ(flow_.error(), ECONNRESET);
}

TEST_F(FlowTest, TellsADeadReceiver) {
  ResetOnClose(out_.far.get());
  out_.far.Reset();
  AwaitReadable(out_.near.get());
  ASSERT_EQ(::send(in_.far.get(), "hello", 5, 0), 5);
  AwaitReadable(in_.near.get());
  EXPECT_EQ(Move(), Flow::Outcome::kWriteError);
}

TEST_F(FlowTest, OneTurnIsBounded) {
  const std::string lots(200000, 'x');
  ASSERT_GT(::send(in_.far.get(), lots.data(), lots.size(), 0), 100000);
  AwaitReadable(in_.near.get());
  EXPECT_EQ(Move(), Flow::Outcome::kMoved);
  EXPECT_LE(flow_.bytes(), 4 * scratch_.size());
}

}  // namespace
}  // namespace sstplb::session
