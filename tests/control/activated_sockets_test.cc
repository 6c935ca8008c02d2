// Which socket of the service manager stands for which address.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/activated_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lb/session/tcp_socket.h"

namespace sstplb::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SocketAddress At(const std::string& text) { return SocketAddress::Parse(text).value(); }

config::Config With(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& listeners) {
  config::Config config;
  for (const auto& [name, bind] : listeners) {
    config::Listener listener;
    listener.name = name;
    for (const std::string& address : bind) listener.bind.push_back(At(address));
    config.listeners.push_back(listener);
  }
  return config;
}

constexpr auto kA = "192.0.2.1:443";
constexpr auto kB = "192.0.2.2:443";
constexpr auto kC = "192.0.2.3:8443";

TEST(AssignSocketsTest, ByAddressByNameAndStable) {
  const struct {
    const char* what;
    config::Config config;
    std::vector<PassedSocket> sockets;
    Places placed;
    Places expected;
  } cases[] = {
      {"nothing passed", With({{"vpn", {kA}}}), {}, {}, {}},
      {"an equal address, whatever the name",
       With({{"vpn", {kA, kB}}}),
       {{"sstplb.socket", At(kB)}},
       {},
       {{{"vpn", At(kB)}, 0}}},
      {"another address and a name that says nothing",
       With({{"vpn", {kA}}}),
       {{"sstplb.socket", At(kB)}},
       {},
       {}},
      {"the name of a listener, wherever the socket is",
       With({{"vpn", {kA}}}),
       {{"vpn", At(kC)}},
       {},
       {{{"vpn", At(kA)}, 0}}},
      {"equal addresses first, then the others in order",
       With({{"vpn", {kA, kB}}}),
       {{"vpn", At(kC)}, {"vpn", At(kA)}},
       {},
       {{{"vpn", At(kA)}, 1}, {{"vpn", At(kB)}, 0}}},
      {"a name keeps a socket from other listeners",
       With({{"one", {kA}}, {"two", {kB}}}),
       {{"two", At(kA)}},
       {},
       {{{"two", At(kB)}, 0}}},
      {"one more than there are addresses",
       With({{"vpn", {kA}}}),
       {{"vpn", At(kA)}, {"vpn", At(kB)}},
       {},
       {{{"vpn", At(kA)}, 0}}},
      {"what is placed stays, though an address before it is new",
       With({{"vpn", {kB, kA}}}),
       {{"vpn", At(kC)}},
       {{{"vpn", At(kA)}, 0}},
       {{{"vpn", At(kA)}, 0}}},
      {"what was placed where nothing listens any more is free",
       With({{"vpn", {kB}}}),
       {{"vpn", At(kC)}},
       {{{"vpn", At(kA)}, 0}},
       {{{"vpn", At(kB)}, 0}}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(AssignSockets(c.config, c.sockets, c.placed), c.expected) << c.what;
  }
}

InheritedSocket Passed(const std::string& name, const std::string& address = "127.0.0.1:0") {
  return {session::Listen(At(address), {}).value(), name};
}

std::vector<std::string> Problems(InheritedSocket socket) {
  std::vector<InheritedSocket> sockets;
  sockets.push_back(std::move(socket));
  return ActivatedSockets().Take(std::move(sockets), With({{"vpn", {"127.0.0.1:0"}}}));
}

TEST(ActivatedSocketsTest, NamesWhatNobodyCanUse) {
  EXPECT_THAT(Problems(Passed("vpn")), IsEmpty());
  EXPECT_THAT(Problems(Passed("web")), ElementsAre(HasSubstr("\"web\"")));
  EXPECT_THAT(Problems(Passed("web")), ElementsAre(HasSubstr("stands for no listener")));
  EXPECT_THAT(Problems({Fd(::socket(AF_UNIX, SOCK_STREAM, 0)), "vpn"}),
              ElementsAre(HasSubstr("is no TCP socket")));
  EXPECT_THAT(Problems({Fd(::socket(AF_INET, SOCK_DGRAM, 0)), "vpn"}),
              ElementsAre(HasSubstr("is no TCP socket")));
  EXPECT_THAT(Problems({Fd(::socket(AF_INET6, SOCK_STREAM, 0)), "vpn"}),
              ElementsAre(HasSubstr("BindIPv6Only=ipv6-only")));
}

bool Listens(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size);
  return value == 1;
}

TEST(ActivatedSocketsTest, ASocketThatAReloadGivesUpRefusesAndComesBack) {
  const config::Config with = With({{"vpn", {"127.0.0.1:0"}}});
  std::vector<InheritedSocket> sockets;
  sockets.push_back(Passed("vpn"));
  ActivatedSockets activated;
  ASSERT_THAT(activated.Take(std::move(sockets), with), IsEmpty());
  const auto copy = activated.Copy(0);
  ASSERT_TRUE(copy.ok());
  activated.Place(with);
  EXPECT_TRUE(Listens(copy->get()));
  activated.Place(With({}));
  EXPECT_FALSE(Listens(copy->get()));
  activated.Place(with);
  EXPECT_TRUE(Listens(copy->get()));
  activated.Place(With({}));
  activated.LeaveListening();
  EXPECT_TRUE(Listens(copy->get()));
}

}  // namespace
}  // namespace sstplb::control
