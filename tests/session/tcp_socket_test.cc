// Options of listening sockets: what accepted sockets have of them, before and after a change.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/tcp_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <string>

namespace sstplb::session {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;

constexpr int kPatience = 5000;  // ms

// Everything at the kernel's own choice.
config::Tcp Untuned() {
  config::Tcp tcp;
  tcp.nodelay = false;
  tcp.keepalive = {};
  tcp.user_timeout = {};
  tcp.notsent_lowat = 0;
  tcp.defer_accept = false;
  tcp.backlog = 128;
  return tcp;
}

// Everything at something else.
config::Tcp Tuned() {
  config::Tcp tcp;
  tcp.nodelay = true;
  tcp.keepalive = seconds(44);
  tcp.user_timeout = seconds(33);
  tcp.congestion = "reno";  // every kernel has it
  tcp.mss = 1200;
  tcp.notsent_lowat = 22 * 1024;
  tcp.rcvbuf = 40 * 1024;
  tcp.sndbuf = 50 * 1024;
  tcp.defer_accept = true;
  tcp.backlog = 77;
  return tcp;
}

class Listening {
 public:
  Listening(const SocketAddress& at, const config::Tcp& tcp) : fd_(Open(at, tcp)) {
    address_ = LocalAddress(fd_.get()).value_or(SocketAddress{});
  }

  int fd() const { return fd_.get(); }

  Fd Connect() const {
    Connecting started = StartConnect(address_, Untuned(), {});
    EXPECT_EQ(started.error, 0);
    pollfd writable{.fd = started.fd.get(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&writable, 1, kPatience), 1);
    EXPECT_EQ(ConnectError(started.fd.get()), 0);
    return std::move(started.fd);
  }

  // A client that has said something, as it is accepted.
  Fd Accept() const {
    client_ = Connect();
    EXPECT_EQ(::send(client_.get(), "x", 1, 0), 1);
    pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&readable, 1, kPatience), 1);
    Fd accepted(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(accepted.valid());
    return accepted;
  }

 private:
  static Fd Open(const SocketAddress& at, const config::Tcp& tcp) {
    auto fd = Listen(at, tcp);
    EXPECT_TRUE(fd.ok()) << (fd.ok() ? "" : fd.error().message);
    return fd.ok() ? std::move(*fd) : Fd();
  }

  Fd fd_;
  SocketAddress address_;
  mutable Fd client_;
};

int Get(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0) << name;
  return value;
}

std::string Congestion(int fd) {
  char name[16] = {};
  socklen_t size = sizeof name;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
  return {name, strnlen(name, size)};
}

// The largest segment that the peer of an accepted socket was told.
int AnnouncedMss(int accepted) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(getsockopt(accepted, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  // Without what timestamps take of each segment; the announcement is with it.
  const int timestamps = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0 ? 12 : 0;
  return static_cast<int>(info.tcpi_advmss) + timestamps;
}

int Backlog(int listening) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(getsockopt(listening, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return static_cast<int>(info.tcpi_sacked);  // of a listening socket
}

// What an accepted socket has.
std::map<std::string, std::string> Facts(const Listening& listening) {
  const Fd fd = listening.Accept();
  const auto number = [&](int level, int name) {
    return std::to_string(Get(fd.get(), level, name));
  };
  return {
      {"nodelay", number(IPPROTO_TCP, TCP_NODELAY)},
      {"keepalive",
       Get(fd.get(), SOL_SOCKET, SO_KEEPALIVE) == 0
           ? "off"
           : number(IPPROTO_TCP, TCP_KEEPIDLE) + "+" + number(IPPROTO_TCP, TCP_KEEPINTVL)},
      {"user_timeout", number(IPPROTO_TCP, TCP_USER_TIMEOUT)},
      {"congestion", Congestion(fd.get())},
      {"mss", std::to_string(AnnouncedMss(fd.get()))},
      {"notsent_lowat", number(IPPROTO_TCP, TCP_NOTSENT_LOWAT)},
      {"rcvbuf", number(SOL_SOCKET, SO_RCVBUF)},
      {"sndbuf", number(SOL_SOCKET, SO_SNDBUF)},
      {"buffers fixed", number(SOL_SOCKET, SO_BUF_LOCK)},
      {"defer_accept", std::to_string(Get(listening.fd(), IPPROTO_TCP, TCP_DEFER_ACCEPT))},
      {"backlog", std::to_string(Backlog(listening.fd()))},
  };
}

class RetuneTest : public ::testing::TestWithParam<const char*> {
 protected:
  SocketAddress at() const { return *SocketAddress::Parse(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Families, RetuneTest, ::testing::Values("127.0.0.1:0", "[::1]:0"),
                         [](const auto& family) { return family.index == 0 ? "IPv4" : "IPv6"; });

TEST_P(RetuneTest, AcceptedSocketsHaveTheOptionsOfTheConfiguration) {
  auto facts = Facts(Listening(at(), Tuned()));
  EXPECT_EQ(facts["nodelay"], "1");
  EXPECT_EQ(facts["keepalive"], "44+11");
  EXPECT_EQ(facts["user_timeout"], "33000");
  EXPECT_EQ(facts["congestion"], "reno");
  EXPECT_EQ(facts["mss"], "1200");
  EXPECT_EQ(facts["notsent_lowat"], "22528");
  EXPECT_EQ(facts["rcvbuf"], "81920");  // the kernel doubles what it is given
  EXPECT_EQ(facts["sndbuf"], "102400");
  EXPECT_EQ(facts["buffers fixed"], "3");
  EXPECT_NE(facts["defer_accept"], "0");
  EXPECT_EQ(facts["backlog"], "77");
}

TEST_P(RetuneTest, ASocketThatWasChangedIsLikeOneThatWasOpenedSo) {
  const auto untuned = Facts(Listening(at(), Untuned()));
  const auto tuned = Facts(Listening(at(), Tuned()));
  const Listening changed(at(), Untuned());
  EXPECT_THAT(Retune(changed.fd(), Untuned(), Tuned()), IsEmpty());
  EXPECT_EQ(Facts(changed), tuned);
  EXPECT_THAT(Retune(changed.fd(), Tuned(), Untuned()), IsEmpty());
  EXPECT_EQ(Facts(changed), untuned) << "unset is the kernel's own choice, also afterwards";
}

TEST_P(RetuneTest, ASocketOfSomebodyElseIsLikeOneThatWasOpenedSo) {
  for (const auto& [was, to] : {std::pair(Tuned(), Untuned()), std::pair(Untuned(), Tuned())}) {
    const auto opened = Facts(Listening(at(), to));
    const Listening adopted(at(), was);
    ASSERT_EQ(::fcntl(adopted.fd(), F_SETFL, 0), 0);
    Adopt(adopted.fd(), to);
    ASSERT_EQ(::listen(adopted.fd(), static_cast<int>(to.backlog)), 0);
    EXPECT_NE(::fcntl(adopted.fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(Facts(adopted), opened);
  }
}

TEST_P(RetuneTest, ASocketThatWasStoppedTwiceListensAgainAsBefore) {
  const Listening bound(at(), Tuned());
  const Listening listening(*LocalAddress(bound.fd()), Tuned());  // which has its port for good
  StopListening(bound.fd());
  const auto before = Facts(listening);
  StopListening(listening.fd());
  StopListening(listening.fd());
  Adopt(listening.fd(), Tuned());
  ASSERT_EQ(::listen(listening.fd(), static_cast<int>(Tuned().backlog)), 0);
  const Fd client = listening.Accept();
  char byte = 0;
  EXPECT_EQ(::recv(client.get(), &byte, 1, MSG_DONTWAIT), 1);
  EXPECT_EQ(::recv(client.get(), &byte, 1, MSG_DONTWAIT), -1) << "at its end from the beginning";
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(Facts(listening), before);
}

TEST_P(RetuneTest, OnlyWhatDiffersIsTouched) {
  const Listening listening(at(), Tuned());
  config::Tcp next = Tuned();
  next.mss = 1300;
  auto expected = Facts(listening);
  expected["mss"] = "1300";
  Retune(listening.fd(), Tuned(), next);
  EXPECT_EQ(Facts(listening), expected);
}

TEST_P(RetuneTest, ItGoesOnListening) {
  const Listening listening(at(), Untuned());
  const Fd waiting = listening.Connect();
  // The last acknowledgement of the handshake goes with the first bytes.
  ASSERT_EQ(::send(waiting.get(), "x", 1, 0), 1);
  pollfd readable{.fd = listening.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&readable, 1, kPatience), 1);
  Retune(listening.fd(), Untuned(), Tuned());
  const Fd accepted(::accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(accepted.valid()) << "who waited to be accepted still does";
  EXPECT_TRUE(listening.Accept().valid());
}

TEST_P(RetuneTest, WhatTheKernelRefusesIsKnownBefore) {
  config::Tcp wanted = Untuned();
  wanted.congestion = "no_such_thing";
  wanted.nodelay = true;
  const auto refused = TryRetune(at().family(), Untuned(), wanted);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].key, "congestion");
  EXPECT_EQ(refused[0].error, ENOENT);
  EXPECT_THAT(TryRetune(at().family(), Untuned(), Tuned()), IsEmpty());
  EXPECT_THAT(TryRetune(at().family(), Tuned(), Untuned()), IsEmpty());

  const Listening listening(at(), Untuned());
  auto expected = Facts(listening);
  expected["nodelay"] = "1";
  EXPECT_EQ(Retune(listening.fd(), Untuned(), wanted).size(), 1u);
  EXPECT_EQ(Facts(listening), expected) << "and the rest is done";
}

}  // namespace
}  // namespace sstplb::session
