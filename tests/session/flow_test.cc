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
#include <csignal>
#include <cstring>
#include <memory>
#include <random>
#include <string>
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
    near.fd.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(near.fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
    ::fcntl(listening->get(), F_SETFL, 0);
    far.Reset(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::fcntl(near.fd.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(far.get(), F_SETFL, O_NONBLOCK);
  }
  Leg near;  // the flow's
  Fd far;    // the peer's
};

std::string RandomText(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class Collector final : public Flow::Tap {
 public:
  void OnBytes(ByteView bytes) override { text += AsText(bytes); }
  std::string text;
};

class FlowTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  // Moves until nothing more can be moved. Readiness is found out as with a poller: by trying.
  Flow::Outcome Move() {
    in_.near.readable = out_.near.writable = true;
    flow_.EndRest(in_.near);
    return MoveWhatIsReady();
  }
  Flow::Outcome MoveWhatIsReady() { return flow_.Move(in_.near, out_.near, buffers_, tap_); }

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
  // Sends `bytes` through the flow, a part at a time, with a receiver that reads `reads` at most at
  // once; what arrived.
  std::string PassThrough(const std::string& bytes, std::size_t part, std::size_t reads) {
    std::string received;
    std::size_t sent = 0;
    std::vector<char> room(reads);
    while (received.size() < bytes.size()) {
      const ssize_t n = ::send(in_.far.get(), bytes.data() + sent,
                               std::min(part, bytes.size() - sent), MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (Move() != Flow::Outcome::kMoved) break;
      const ssize_t got = ::recv(out_.far.get(), room.data(), room.size(), 0);
      if (got > 0) received.append(room.data(), static_cast<std::size_t>(got));
    }
    return received;
  }
  // Fills the receiver and the flow until neither takes any more; what was sent.
  std::string Stall() {
    std::string sent;
    std::uint32_t seed = 0;
    for (int refused = 0; refused < 3;) {
      const std::string chunk = RandomText(16384, ++seed);
      const ssize_t n = ::send(in_.far.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
      if (n > 0) sent.append(chunk, 0, static_cast<std::size_t>(n));
      refused = n < 0 ? refused + 1 : 0;
      EXPECT_EQ(Move(), Flow::Outcome::kMoved);
    }
    return sent;
  }

  TcpPair in_, out_;
  Buffers buffers_;
  Flow flow_;
  Flow::Tap* tap_ = nullptr;
};

TEST_F(FlowTest, MovesWhatIsThereAndThenWaits) {
  ASSERT_EQ(::send(in_.far.get(), "hello", 5, 0), 5);
  AwaitReadable(in_.near.fd.get());
  EXPECT_EQ(Move(), Flow::Outcome::kMoved);
  AwaitReadable(out_.far.get());
  EXPECT_EQ(ReadAll(out_.far.get()), "hello");
  EXPECT_EQ(flow_.bytes(), 5u);
  EXPECT_FALSE(in_.near.readable) << "a short read has shown that the socket is empty";
  EXPECT_FALSE(flow_.CanMove(in_.near, out_.near));
}

TEST_F(FlowTest, AShortReadIsNoSignOfAnEmptySocketWhenAnEndWasTold) {
  ASSERT_EQ(::send(in_.far.get(), "hello", 5, 0), 5);
  in_.far.Reset();
  AwaitReadable(in_.near.fd.get());
  in_.near.Note(EPOLLIN | EPOLLRDHUP);
  EXPECT_EQ(MoveWhatIsReady(), Flow::Outcome::kEof) << "in one call: the end is not told twice";
}

TEST_F(FlowTest, PassesTheEndOnAfterTheLastByte) {
  ASSERT_EQ(::send(in_.far.get(), "last", 4, 0), 4);
  in_.far.Reset();
  AwaitReadable(in_.near.fd.get());
  Flow::Outcome outcome = Move();
  if (outcome == Flow::Outcome::kMoved) outcome = Move();
  EXPECT_EQ(outcome, Flow::Outcome::kEof);
  EXPECT_TRUE(flow_.ended());
  AwaitReadable(out_.far.get());
  EXPECT_EQ(ReadAll(out_.far.get()), "last");
  char byte = 0;
  EXPECT_EQ(::recv(out_.far.get(), &byte, 1, 0), 0) << "the end has come through";
  EXPECT_GT(::send(out_.far.get(), "x", 1, MSG_NOSIGNAL), 0) << "the other direction is open";
}

TEST_F(FlowTest, ManyBytesArriveAsTheyWereSentWhateverTheirParts) {
  const struct {
    const char* name;
    std::size_t part;
    std::size_t reads;
  } cases[] = {
      {"records of TLS", 16384 + 5, 65536},
      {"as much as goes in, a slow receiver", 1 << 20, 1000},
      {"small parts", 100, 65536},
      {"parts of one more than a buffer", Buffers::kScratch + 1, 3000},
      {"bulk, then small, then bulk is not a special case", 300'000, 299'999},
  };
  std::uint32_t seed = 1;
  for (const auto& c : cases) {
    const std::string bytes = RandomText(2'000'000, ++seed);
    EXPECT_TRUE(PassThrough(bytes, c.part, c.reads) == bytes) << c.name;
    EXPECT_FALSE(flow_.holds()) << c.name;
  }
  EXPECT_GT(buffers_.pipes(), 0u) << "some of it was spliced";
}

TEST_F(FlowTest, ABulkFlowRestsUntilItIsToldOrItsTimeHasCome) {
  const std::string bytes = RandomText(60'000, 6);
  ASSERT_EQ(::send(in_.far.get(), bytes.data(), bytes.size(), 0), 60'000);
  AwaitReadable(in_.near.fd.get());
  ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  ASSERT_TRUE(flow_.resting());
  int lowest = 0;
  socklen_t size = sizeof lowest;
  getsockopt(in_.near.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &lowest, &size);
  EXPECT_GT(lowest, 60'000) << "a few more bytes wake nobody";
  in_.near.readable = true;
  EXPECT_FALSE(flow_.CanMove(in_.near, out_.near));
  in_.near.ending = true;
  EXPECT_TRUE(flow_.CanMove(in_.near, out_.near)) << "but an end does not wait";
  in_.near.ending = false;
  // Little comes: no bulk any more, and told at once again.
  ASSERT_EQ(::send(in_.far.get(), "rest", 4, 0), 4);
  ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  EXPECT_FALSE(flow_.resting());
  getsockopt(in_.near.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &lowest, &size);
  EXPECT_EQ(lowest, 1);
  std::string received;
  while (received.size() < bytes.size() + 4) received += ReadAll(out_.far.get());
  EXPECT_TRUE(received == bytes + "rest");
}

TEST_F(FlowTest, PortionsGrowWithAFastReceiverAndAreSmallAfterAStall) {
  const auto portion = [&] {
    int lowest = 0;
    socklen_t size = sizeof lowest;
    getsockopt(in_.near.fd.get(), SOL_SOCKET, SO_RCVLOWAT, &lowest, &size);
    return static_cast<std::size_t>(lowest);
  };
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::string lots = RandomText(400'000, i);
    while (::send(in_.far.get(), lots.data(), lots.size(), MSG_NOSIGNAL) > 0) {
    }
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
    ReadAll(out_.far.get());
  }
  EXPECT_GT(portion(), Flow::kSmallestPortion);
  Stall();
  EXPECT_GT(flow_.held(), 0u);
  EXPECT_LE(flow_.held(), Flow::kLargestPortion);
  EXPECT_EQ(portion(), Flow::kSmallestPortion) << "so that less waits from now on";
}

TEST_F(FlowTest, ATapSeesEveryByteOfABulkTransfer) {
  Collector collector;
  tap_ = &collector;
  const std::string bytes = RandomText(1'000'000, 7);
  EXPECT_TRUE(PassThrough(bytes, 100'000, 100'000) == bytes);
  EXPECT_TRUE(collector.text == bytes);
  EXPECT_EQ(buffers_.pipes(), 0u) << "nothing went past it";
}

TEST_F(FlowTest, WithoutPipesEverythingIsCopied) {
  std::vector<std::unique_ptr<Pipe>> taken;
  while (auto pipe = buffers_.TakePipe()) taken.push_back(std::move(pipe));
  EXPECT_EQ(taken.size(), Buffers::kMaxPipes);
  const std::string bytes = RandomText(2'000'000, 8);
  EXPECT_TRUE(PassThrough(bytes, 1 << 20, 50'000) == bytes);
  for (auto& pipe : taken) buffers_.Return(std::move(pipe));
}

TEST_F(FlowTest, HoldsNoMoreThanOnePipeWhenTheReceiverStalls) {
  const std::string sent = Stall();
  EXPECT_TRUE(flow_.holds());
  EXPECT_EQ(buffers_.pipes(), 1u);
  out_.near.writable = false;
  EXPECT_FALSE(flow_.CanMove(in_.near, out_.near)) << "nothing more is read while bytes wait";
  const std::uint64_t before = flow_.bytes();
  EXPECT_EQ(MoveWhatIsReady(), Flow::Outcome::kMoved);
  EXPECT_EQ(flow_.bytes(), before);
  // The receiver comes back: every byte, in order.
  std::string received;
  while (received.size() < sent.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_FALSE(flow_.holds());
}

TEST_F(FlowTest, APipeWithBytesOfADeadSessionIsNotUsedAgain) {
  Stall();
  ASSERT_EQ(buffers_.pipes(), 1u);
  flow_.Release(buffers_);
  EXPECT_FALSE(flow_.holds());
  EXPECT_EQ(buffers_.pipes(), 0u) << "closed, since it is not empty";
  auto fresh = buffers_.TakePipe();
  ASSERT_NE(fresh, nullptr);
  char byte = 0;
  EXPECT_EQ(::read(fresh->out.get(), &byte, 1), -1) << "and the next one is empty";
  EXPECT_EQ(errno, EAGAIN);
  buffers_.Return(std::move(fresh));
}

TEST_F(FlowTest, WhatWasSentAheadComesFirstAndIsHeldWhenTheReceiverIsFull) {
  const int small = 1;
  setsockopt(out_.near.fd.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string header = "PROXY ";
  const std::string first = header + RandomText(600'000, 9);
  const auto bytes = AsBytes(first);
  ASSERT_EQ(flow_.Send(out_.near, bytes, header.size(), buffers_), Flow::Outcome::kMoved);
  EXPECT_TRUE(flow_.holds());
  EXPECT_EQ(flow_.bytes(), first.size() - header.size()) << "the header is not the client's";
  std::string received;
  while (received.size() < first.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == first);
  const std::string next = RandomText(200'000, 10);
  EXPECT_TRUE(PassThrough(next, 50'000, 65536) == next);
}

TEST_F(FlowTest, TellsADeadSender) {
  ResetOnClose(in_.far.get());
  in_.far.Reset();
  AwaitReadable(in_.near.fd.get());
  EXPECT_EQ(Move(), Flow::Outcome::kReadError);
  EXPECT_EQ(flow_.error(), ECONNRESET);
}

TEST_F(FlowTest, TellsADeadReceiverOfACopy) {
  ResetOnClose(out_.far.get());
  out_.far.Reset();
  AwaitReadable(out_.near.fd.get());
  ASSERT_EQ(::send(in_.far.get(), "hello", 5, 0), 5);
  AwaitReadable(in_.near.fd.get());
  EXPECT_EQ(Move(), Flow::Outcome::kWriteError);
}

TEST_F(FlowTest, TellsADeadReceiverOfASplice) {
  Stall();
  ResetOnClose(out_.far.get());
  out_.far.Reset();
  AwaitReadable(out_.near.fd.get());
  EXPECT_EQ(Move(), Flow::Outcome::kWriteError);
  flow_.Release(buffers_);
}

TEST_F(FlowTest, OneCallIsBounded) {
  // A receiver that takes everything, and a sender that never stops.
  const std::string lots = RandomText(100'000, 11);
  std::uint64_t most = 0;
  for (int i = 0; i < 200; ++i) {
    while (::send(in_.far.get(), lots.data(), lots.size(), MSG_NOSIGNAL) > 0) {
    }
    const std::uint64_t before = flow_.bytes();
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
    most = std::max(most, flow_.bytes() - before);
    ReadAll(out_.far.get());
  }
  EXPECT_GT(most, 0u);
  EXPECT_LE(most, Flow::kQuantum + Buffers::kPipeSize);
}

// As another process has it: the same sockets, and nothing else of this flow.
Flow Elsewhere(FlowImage&& image, Buffers& buffers) {
  Flow flow;
  flow.Restore(std::move(image), buffers);
  return flow;
}

TEST_F(FlowTest, BytesThatWaitInAPipeGoOnElsewhere) {
  std::string sent = Stall();
  ASSERT_EQ(buffers_.pipes(), 1u);
  const std::size_t held = flow_.held();
  const std::uint64_t bytes = flow_.bytes();
  FlowImage image = flow_.Image(buffers_);
  EXPECT_EQ(image.held.size(), held);
  EXPECT_EQ(image.bytes, bytes);
  EXPECT_TRUE(image.bulk);
  flow_ = Elsewhere(std::move(image), buffers_);
  EXPECT_EQ(flow_.held(), held);
  EXPECT_EQ(flow_.bytes(), bytes);
  std::string received;
  while (received.size() < sent.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(flow_.bytes(), sent.size());
  const std::string next = RandomText(2'000'000, 12);
  EXPECT_TRUE(PassThrough(next, 1 << 20, 100'000) == next) << "bulk as before";
}

TEST_F(FlowTest, BytesThatWaitInABlockGoOnElsewhere) {
  Collector collector;
  tap_ = &collector;
  const std::string sent = Stall();
  ASSERT_TRUE(flow_.holds());
  ASSERT_EQ(buffers_.pipes(), 0u);
  flow_ = Elsewhere(flow_.Image(buffers_), buffers_);
  std::string received;
  while (received.size() < sent.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_TRUE(collector.text == sent) << "what was held had been seen, and is not seen twice";
}

// Nobody took over: the flow itself goes on.
TEST_F(FlowTest, AnImageLeavesTheFlowAsGoodAsItWas) {
  const std::string sent = Stall();
  const std::size_t held = flow_.held();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(flow_.Image(buffers_).held.size(), held);
  std::string received;
  while (received.size() < sent.size()) {
    received += ReadAll(out_.far.get());
    ASSERT_EQ(Move(), Flow::Outcome::kMoved);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_FALSE(flow_.holds());
}

TEST_F(FlowTest, AnEndThatWasReadAndNotPassedOnIsPassedOnElsewhere) {
  flow_ = Elsewhere({.bytes = 4, .saw_eof = true, .held = {'l', 'a', 's', 't'}}, buffers_);
  EXPECT_TRUE(flow_.saw_eof());
  EXPECT_FALSE(flow_.ended());
  EXPECT_EQ(Move(), Flow::Outcome::kEof);
  AwaitReadable(out_.far.get());
  EXPECT_EQ(ReadAll(out_.far.get()), "last");
  char byte = 0;
  AwaitReadable(out_.far.get());
  EXPECT_EQ(::recv(out_.far.get(), &byte, 1, 0), 0);
}

TEST_F(FlowTest, AnEndThatWasPassedOnStaysSo) {
  ASSERT_EQ(::send(in_.far.get(), "last", 4, 0), 4);
  in_.far.Reset();
  AwaitReadable(in_.near.fd.get());
  while (Move() == Flow::Outcome::kMoved) {
  }
  flow_ = Elsewhere(flow_.Image(buffers_), buffers_);
  EXPECT_TRUE(flow_.saw_eof());
  EXPECT_TRUE(flow_.ended());
  EXPECT_EQ(flow_.bytes(), 4u);
  EXPECT_FALSE(flow_.CanMove(in_.near, out_.near));
}

TEST_F(FlowTest, APortionThatThisVersionDoesNotHaveIsBounded) {
  flow_ = Elsewhere({.bulk = true, .portion = 31}, buffers_);
  const std::string bytes = RandomText(4'000'000, 13);
  EXPECT_TRUE(PassThrough(bytes, 1 << 20, 1 << 20) == bytes);
}

}  // namespace
}  // namespace sstplb::session
