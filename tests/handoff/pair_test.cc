// An old and a new process's workers: every session goes on with every byte.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "lb/handoff/takeover_side.h"
#include "proxyproto/encode.h"
#include "tests/handoff/house.h"

namespace sstplb::handoff {
namespace {

using session::Phase;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worker::Peer;
using worker::Server;

std::string RandomText(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// How many sessions went over.
std::uint32_t HandOver(const House& before, House& after) {
  const Door door;
  const Bystander peer;
  auto giving = std::async(std::launch::async, [&] { return GiveAtDoor(door, before, peer); });
  auto side = TakeoverSide::Connect(door.path(), "0.1-new");
  EXPECT_TRUE(side);
  auto estate = side->TakeEstate(1000);
  EXPECT_TRUE(estate) << estate.error().message;
  EXPECT_EQ(side->offer().workers, before.workers().size());
  EXPECT_EQ(side->offer().program, "0.1-old");
  EXPECT_EQ(estate->state.config, "# a configuration");
  EXPECT_EQ(estate->state.decisions, "version = 2\n");
  EXPECT_EQ(estate->state.backends.size(), 1u);
  EXPECT_EQ(estate->state.affinity.size(), 1500u);
  EXPECT_EQ(estate->state.control.handoffs.taken, 7u);
  after.Inherit(std::move(estate->sockets));
  const auto taken = side->TakeSessions(after.workers(), after.plan());
  after.Start();
  const auto given = giving.get();
  EXPECT_TRUE(given) << given.error().message;
  EXPECT_TRUE(taken) << taken.error().message;
  EXPECT_FALSE(peer.AwaitKilled(Duration::zero()));
  EXPECT_EQ(given->sessions, taken->sessions);
  EXPECT_FALSE(taken->old_is_gone);
  return taken->sessions;
}

// How many workers the old and the new process have.
class Pair : public ::testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

INSTANTIATE_TEST_SUITE_P(Workers, Pair,
                         ::testing::Values(std::pair(1u, 1u), std::pair(2u, 2u), std::pair(1u, 3u),
                                           std::pair(3u, 1u)),
                         [](const auto& row) {
                           return std::to_string(row.param.first) + "To" +
                                  std::to_string(row.param.second);
                         });

TEST_P(Pair, EverySessionGoesOn) {
  const Server server;
  House before({server.address()}, GetParam().first);
  before.Open();
  std::vector<Tunnel> tunnels;
  for (int i = 0; i < 6; ++i) tunnels.push_back(OpenTunnel(before, server));
  const Tunnel client_ended = OpenTunnel(before, server);
  client_ended.client.EndSending();
  EXPECT_TRUE(client_ended.backend.AtEnd());
  const Tunnel backend_ended = OpenTunnel(before, server);
  backend_ended.backend.EndSending();
  EXPECT_TRUE(backend_ended.client.AtEnd());
  const std::string hello = worker::Hello();
  const Peer half = before.Connect();
  ASSERT_TRUE(half.Send(hello.substr(0, 50)));
  ASSERT_TRUE(before.AwaitCount(9));
  const auto ids_before = before.sessions();

  House after({server.address()}, GetParam().second);
  EXPECT_EQ(HandOver(before, after), 9u);
  EXPECT_TRUE(before.AwaitLetGo());
  EXPECT_EQ(after.active(), 9u);

  for (const Tunnel& tunnel : tunnels) EXPECT_TRUE(tunnel.Carries("after"));
  ASSERT_TRUE(client_ended.backend.Send("still here"));
  EXPECT_EQ(client_ended.client.Read(10), "still here");
  ASSERT_TRUE(backend_ended.client.Send("still here"));
  EXPECT_EQ(backend_ended.backend.Read(10), "still here");
  ASSERT_TRUE(half.Send(hello.substr(50)));
  const Peer greeted = server.Accept();
  EXPECT_EQ(greeted.Read(hello.size()), hello);

  // What is told of them goes on as well.
  std::map<session::SessionId, session::SessionStatus> now;
  for (const auto& session : after.sessions()) now[session.id] = session;
  for (const auto& old : ids_before) {
    ASSERT_TRUE(now.contains(old.id));
    EXPECT_EQ(now[old.id].client, old.client);
    EXPECT_EQ(now[old.id].listener, old.listener);
    EXPECT_GE(now[old.id].age, old.age);
    if (old.phase != Phase::kRelaying) continue;
    EXPECT_EQ(now[old.id].sni, "alpha.test");
    EXPECT_EQ(now[old.id].to_backend_bytes, old.to_backend_bytes + 5);
    EXPECT_EQ(now[old.id].to_client_bytes, old.to_client_bytes + 5);
  }
  // New ones come in at the same address, with ids of their own.
  const Tunnel fresh = OpenTunnel(after, server);
  EXPECT_TRUE(fresh.Carries("fresh"));
  EXPECT_TRUE(after.AwaitCount(10));

  client_ended.backend.EndSending();
  EXPECT_TRUE(client_ended.client.AtEnd());
  backend_ended.client.EndSending();
  EXPECT_TRUE(backend_ended.backend.AtEnd());
  EXPECT_TRUE(after.AwaitCount(8));
  EXPECT_EQ(after.active(), 8u);
}

TEST_P(Pair, BytesThatWaitGoOnBothWays) {
  const Server server;
  House before({server.address()}, GetParam().first);
  before.Open();
  const Tunnel tunnel = OpenTunnel(before, server);
  // More than the kernel's buffers, so that some of it is held; nobody reads before the handoff.
  const std::string up = RandomText(24 << 20, 1);
  const std::string down = RandomText(24 << 20, 2);
  std::thread sends_up([&] {
    EXPECT_TRUE(tunnel.client.Send(up));
    tunnel.client.EndSending();
  });
  std::thread sends_down([&] {
    EXPECT_TRUE(tunnel.backend.Send(down));
    tunnel.backend.EndSending();
  });
  EXPECT_TRUE(before.Await([](const Sessions& now) {
    return now.size() == 1 && now[0].to_backend_bytes > 1 << 16 && now[0].to_client_bytes > 1 << 16;
  }));
  House after({server.address()}, GetParam().second);
  EXPECT_EQ(HandOver(before, after), 1u);
  auto reads_up = std::async(std::launch::async, [&] { return tunnel.backend.Read(up.size()); });
  EXPECT_TRUE(tunnel.client.Read(down.size()) == down);
  EXPECT_TRUE(reads_up.get() == up);
  EXPECT_TRUE(tunnel.client.AtEnd());
  EXPECT_TRUE(tunnel.backend.AtEnd());
  sends_up.join();
  sends_down.join();
  EXPECT_TRUE(after.AwaitCount(0));
  EXPECT_EQ(after.active(), 0u);
}

TEST(PairOfOne, AProxyHeaderThatIsHalfReadAndOneThatIsRead) {
  const Server server;
  config::Listener listener;
  listener.accept_proxy = {*Cidr::Parse("127.0.0.2/32")};
  House before({server.address()}, 1, listener);
  before.Open();
  const auto source = *SocketAddress::Parse("203.0.113.9:40000");
  Bytes header;
  proxyproto::EncodeV2(source, *SocketAddress::Parse("192.0.2.1:443"), {}, header);
  const std::string all = std::string(AsText(header)) + worker::Hello();
  const std::size_t cuts[] = {header.size() / 2, header.size(), header.size() + 50};
  std::vector<Peer> clients;
  for (const std::size_t cut : cuts) {
    clients.push_back(before.ConnectFrom("127.0.0.2"));
    ASSERT_TRUE(clients.back().Send(all.substr(0, cut)));
  }
  ASSERT_TRUE(before.AwaitCount(3));
  ASSERT_TRUE(before.Await([&](const Sessions& now) {
    return std::ranges::count(now, source, &session::SessionStatus::client) == 2;
  }));
  House after({server.address()}, 1, listener);
  EXPECT_EQ(HandOver(before, after), 3u);
  for (std::size_t i = 0; i < std::size(cuts); ++i) {
    ASSERT_TRUE(clients[i].Send(all.substr(cuts[i])));
    EXPECT_EQ(server.Accept().Read(worker::Hello().size()), worker::Hello());
  }
  EXPECT_TRUE(after.Await([&](const Sessions& now) {
    return std::ranges::all_of(now, [&](const auto& session) {
      return session.client == source && session.proxy.has_value();
    });
  }));
}

TEST(PairOfOne, OneThatIsConnectingIsPickedAgain) {
  // A full accept queue drops further SYNs.
  Fd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress::Parse("127.0.0.1:0")->ToSockaddr(storage);
  ASSERT_EQ(::bind(full.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  const Peer queued = Peer::Connect(*LocalAddress(full.get()));
  House before({*LocalAddress(full.get())}, 1, {}, {.connect_timeout = seconds(10)});
  before.Open();
  const Peer client = before.Connect();
  ASSERT_TRUE(client.Send(worker::Hello()));
  ASSERT_TRUE(before.Await(
      [](const Sessions& now) { return now.size() == 1 && now[0].phase == Phase::kConnecting; }));
  const Server server;
  House after({server.address()}, 1);
  EXPECT_EQ(HandOver(before, after), 1u);
  const Tunnel tunnel{Peer(Fd(::dup(client.fd()))), server.Accept()};
  EXPECT_EQ(tunnel.backend.Read(worker::Hello().size()), worker::Hello());
  EXPECT_TRUE(tunnel.Carries("after"));
}

TEST(PairOfOne, AHandshakeHasOnlyTheTimeThatIsLeft) {
  const Server server;
  const config::Pool brief{.handshake_timeout = seconds(1)};
  House before({server.address()}, 1, {}, brief);
  before.Open();
  const TimePoint begin = Clock::now();
  const Tunnel slow = OpenTunnel(before, server);
  // What the new process would give counts for those that connect there.
  House after({server.address()}, 1, {}, {.handshake_timeout = seconds(60)});
  ASSERT_EQ(HandOver(before, after), 1u);
  const Tunnel fresh = OpenTunnel(after, server);
  EXPECT_TRUE(slow.client.AtEnd());
  EXPECT_GE(Clock::now() - begin, seconds(1));
  EXPECT_TRUE(after.AwaitCount(1));
  EXPECT_TRUE(fresh.Carries("still here"));
}

TEST(PairOfOne, OneThatWaitsForAPlaceDoesNotWaitLonger) {
  const Server server;
  const config::Pool pool{.max_pending_per_backend = 1, .queue_timeout = seconds(2)};
  House before({server.address()}, 1, {}, pool);
  before.Open();
  const Tunnel first = OpenTunnel(before, server);
  const Peer second = before.Connect();
  const TimePoint begin = Clock::now();
  ASSERT_TRUE(second.Send(worker::Hello()));
  ASSERT_TRUE(before.Await([](const Sessions& now) {
    return std::ranges::count(now, Phase::kQueued, &session::SessionStatus::phase) == 1;
  }));
  EXPECT_FALSE(second.SaysSomething(seconds(1)));
  House after({server.address()}, 1, {}, pool);
  ASSERT_EQ(HandOver(before, after), 2u);
  EXPECT_EQ(second.Read(7), std::string("\x15\x03\x03\x00\x02\x02\x50", 7));
  EXPECT_GE(Clock::now() - begin, seconds(2));
  EXPECT_LT(Clock::now() - begin, milliseconds(2900));
  EXPECT_TRUE(first.Carries("still here"));
}

TEST(PairOfOne, ARefusedOneStillReadsItsAlertAndIsClosed) {
  const Server server;
  config::Listener listener;
  listener.unknown_sni = config::PoolOrRefuse::kRefuse;
  House before({server.address()}, 1, listener);
  before.Open();
  const Peer client = before.Connect();
  ASSERT_TRUE(client.Send(worker::Hello()));
  EXPECT_EQ(client.Read(7), std::string("\x15\x03\x03\x00\x02\x02\x70", 7));
  House after({server.address()}, 1, listener);
  HandOver(before, after);  // it may be over already on a machine that is slow
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(after.AwaitCount(0));
  EXPECT_EQ(after.active(), 0u);
  EXPECT_FALSE(server.HasClient());
}

TEST(PairOfOne, LimitsOfASourceGoOn) {
  const Server server;
  config::Listener listener;
  listener.max_sessions_per_source = 2;
  House before({server.address()}, 1, listener);
  before.Open();
  const Tunnel first = OpenTunnel(before, server);
  const Peer half = before.Connect();
  ASSERT_TRUE(half.Send(worker::Hello().substr(0, 50)));
  ASSERT_TRUE(before.AwaitCount(2));
  House after({server.address()}, 1, listener);
  EXPECT_EQ(HandOver(before, after), 2u);
  const Peer third = after.Connect();
  (void)third.Send(worker::Hello());
  EXPECT_EQ(third.ReadToEnd(), "");
  first.client.EndSending();
  first.backend.EndSending();
  EXPECT_TRUE(after.AwaitCount(1));
  EXPECT_TRUE(OpenTunnel(after, server).Carries("room again"));
}

TEST(PairOfOne, ThereAndOnToAThirdProcess) {
  const Server server;
  House first({server.address()}, 2);
  first.Open();
  const Tunnel tunnel = OpenTunnel(first, server);
  House second({server.address()}, 2);
  EXPECT_EQ(HandOver(first, second), 1u);
  House third({server.address()}, 2);
  EXPECT_EQ(HandOver(second, third), 1u);
  EXPECT_TRUE(tunnel.Carries("after"));
}

TEST(PairOfOne, MoreSessionsThanAMessageTakes) {
  const Server server;
  House before({server.address()}, 1);
  before.Open();
  std::vector<Tunnel> tunnels;
  for (int i = 0; i < 120; ++i) tunnels.push_back(OpenTunnel(before, server));
  std::vector<Peer> halves;
  for (int i = 0; i < 210; ++i) {
    halves.push_back(before.Connect());
    ASSERT_TRUE(halves.back().Send("\x16"));
  }
  ASSERT_TRUE(before.AwaitCount(330));
  House after({server.address()}, 2);
  EXPECT_EQ(HandOver(before, after), 330u);
  for (const Tunnel& tunnel : tunnels) EXPECT_TRUE(tunnel.Carries("after"));
  EXPECT_TRUE(after.AwaitCount(330));
}

}  // namespace
}  // namespace sstplb::handoff
