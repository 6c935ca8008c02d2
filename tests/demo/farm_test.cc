// The farm and its client together, when nothing is wrong.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/farm.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lb/tunnel/tls_context.h"
#include "proxyproto/encode.h"
#include "tests/demo/farm_helpers.h"

namespace sstplb::demo {
namespace {

TEST(Farm, ATunnelComesUpPingsAndEndsInOrder) {
  const auto farm = StartFarm();
  const auto client = StartClient();
  tunnel::TunnelOptions options = To(*farm);
  options.sni = "vpn.sstp.test";
  options.ping_interval = std::chrono::milliseconds(20);
  options.echo_interval = std::chrono::milliseconds(20);
  client->Add(options);
  ASSERT_TRUE(client->Await(
      0,
      [](const tunnel::TunnelReport& r) { return r.pings_answered >= 3 && r.echoes_answered >= 3; },
      kPatience))
      << ToString(client->report(0).state) << " " << client->report(0).detail;

  const tunnel::TunnelReport report = client->report(0);
  EXPECT_EQ(report.address.ToString(), "10.99.0.2");
  EXPECT_EQ(report.gateway.ToString(), "10.99.0.1");
  EXPECT_EQ(report.tls_version, "TLSv1.3");
  EXPECT_EQ(report.certificate, farm->certificate(0).sha256);
  EXPECT_EQ(report.server_header, "Microsoft-HTTPAPI/2.0");
  EXPECT_GT(report.steps.tcp.count(), 0);
  EXPECT_GT(report.steps.tls.count(), 0);
  EXPECT_GT(report.steps.post.count(), 0);
  EXPECT_GT(report.steps.call.count(), 0);
  EXPECT_GT(report.steps.ppp.count(), 0);

  const auto tunnels = farm->tunnels(0);
  ASSERT_EQ(tunnels.size(), 1u);
  EXPECT_EQ(tunnels[0].server_name, "vpn.sstp.test");
  EXPECT_EQ(tunnels[0].peer, report.local);
  EXPECT_EQ(tunnels[0].address, report.address);
  EXPECT_TRUE(tunnels[0].connected);

  client->Stop(0);
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(client->report(0).end, tunnel::TunnelEnd::kStopped);
  ASSERT_TRUE(farm->Await(0, Idle, kPatience));
  const ServerCounters counters = farm->counters(0);
  EXPECT_EQ(counters.accepted, 1u);
  EXPECT_EQ(counters.tls_done, 1u);
  EXPECT_EQ(counters.posts, 1u);
  EXPECT_EQ(counters.calls, 1u);
  EXPECT_EQ(counters.connected, 1u);
  EXPECT_EQ(counters.disconnects, 1u);
  EXPECT_EQ(counters.bad_bindings, 0u);
  EXPECT_EQ(counters.half_open_left, 0u);
  EXPECT_EQ(counters.probe_like, 0u);
  EXPECT_GE(counters.pings, 3u);
}

TEST(Farm, EveryPersonalityCarriesATunnel) {
  const Kind kinds[] = {Kind::kRras, Kind::kSoftether, Kind::kAccelPpp, Kind::kSstpServer,
                        Kind::kMikrotik};
  std::vector<ServerOptions> servers;
  for (const Kind kind : kinds) {
    EXPECT_EQ(KindFromString(ToString(kind)), kind);
    ServerOptions options = QuickServer();
    const Duration quick = options.personality.close_delay;
    options.personality = PersonalityOf(kind);
    options.personality.close_delay = quick;
    servers.push_back(options);
  }
  const auto farm = StartFarm(std::move(servers));
  const auto client = StartClient();
  for (std::size_t i = 0; i < farm->size(); ++i) client->Add(To(*farm, i));
  ASSERT_TRUE(client->AwaitAll(Up, kPatience));
  EXPECT_EQ(client->report(4).server_header, "MikroTik-SSTP");
  EXPECT_EQ(client->report(2).server_header, "");
  client->StopAll();
  EXPECT_TRUE(client->AwaitAll(Ended, kPatience));
  for (std::size_t i = 0; i < farm->size(); ++i) {
    EXPECT_TRUE(farm->Await(i, Idle, kPatience));
    EXPECT_EQ(farm->counters(i).bad_bindings, 0u) << i;
  }
}

TEST(Farm, ManyTunnelsEachWithItsOwnAddress) {
  constexpr std::size_t kTunnels = 200;
  const auto farm = StartFarm();
  const auto client = StartClient();
  for (std::size_t i = 0; i < kTunnels; ++i) {
    tunnel::TunnelOptions options = To(*farm);
    options.source = IpAddress::V4({127, 0, 1, static_cast<std::uint8_t>(i % 20 + 1)});
    client->Add(options);
  }
  ASSERT_TRUE(client->AwaitAll(Up, kPatience));
  std::set<std::string> addresses;
  std::set<std::string> sources;
  for (const TunnelInfo& tunnel : farm->tunnels(0)) {
    addresses.insert(tunnel.address.ToString());
    sources.insert(tunnel.peer.ip.ToString());
  }
  EXPECT_EQ(addresses.size(), kTunnels);
  EXPECT_EQ(sources.size(), 20u);
  EXPECT_EQ(farm->counters(0).tunnels, kTunnels);
  client->StopAll();
  ASSERT_TRUE(client->AwaitAll(Ended, kPatience));
  EXPECT_TRUE(farm->Await(0, Idle, kPatience));
}

TEST(Farm, SessionsAreResumedByTicketWithBothVersions) {
  for (const tunnel::TlsVersion version : {tunnel::TlsVersion::k12, tunnel::TlsVersion::k13}) {
    const auto farm = StartFarm();
    const auto client = StartClient({version, version});
    tunnel::TunnelOptions options = To(*farm);
    options.reconnect = true;
    options.backoff_min = std::chrono::milliseconds(1);
    client->Add(options);
    ASSERT_TRUE(client->Await(0, Up, kPatience));
    EXPECT_FALSE(client->report(0).resumed);
    client->Break(0);
    ASSERT_TRUE(client->Await(
        0, [](const tunnel::TunnelReport& r) { return Up(r) && r.times_up == 2; }, kPatience));
    EXPECT_TRUE(client->report(0).resumed);
    EXPECT_EQ(client->report(0).tls_version,
              version == tunnel::TlsVersion::k12 ? "TLSv1.2" : "TLSv1.3");
    EXPECT_EQ(farm->counters(0).tls_resumed, 1u);
  }
}

TEST(Farm, WrongPasswordEndsInPpp) {
  ServerOptions server = QuickServer();
  server.user = "demo";
  server.password = "right";
  const auto farm = StartFarm(server);
  const auto client = StartClient();
  tunnel::TunnelOptions options = To(*farm);
  options.password = "wrong";
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(client->report(0).end, tunnel::TunnelEnd::kPppFailed);
  EXPECT_EQ(client->report(0).detail, "authentication failed");
  EXPECT_TRUE(farm->Await(0, Idle, kPatience));
}

TEST(Farm, ServerSaysHelloToASilentClient) {
  ServerOptions server = QuickServer();
  server.hello_interval = std::chrono::milliseconds(50);
  const auto farm = StartFarm(server);
  const auto client = StartClient();
  tunnel::TunnelOptions options = To(*farm);
  options.echo_interval = {};
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Up, kPatience));
  // The client answers every hello: by this much the tunnel has outlived several of them.
  const std::uint64_t before = farm->counters(0).bytes_in;
  ASSERT_TRUE(farm->Await(
      0, [&](const ServerCounters& c) { return c.bytes_in >= before + 5 * 8; }, kPatience));
  EXPECT_TRUE(Up(client->report(0)));
}

TEST(Farm, NegotiationTimeoutClosesTheIdle) {
  ServerOptions server = QuickServer();
  server.negotiation_timeout = std::chrono::milliseconds(100);
  const auto farm = StartFarm(server);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = farm->address(0).ToSockaddr(storage);
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
  char byte = 0;
  EXPECT_EQ(::recv(fd.get(), &byte, 1, 0), 0);
  ASSERT_TRUE(farm->Await(0, Idle, kPatience));
  EXPECT_EQ(farm->counters(0).probe_like, 1u);
}

TEST(Farm, ARequiredProxyHeaderIsAskedFor) {
  ServerOptions server = QuickServer();
  server.proxy_header = true;
  const auto farm = StartFarm(server);
  const auto client = StartClient();
  client->Add(To(*farm));
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(client->report(0).reached, tunnel::TunnelState::kTls);
  EXPECT_EQ(farm->counters(0).proxy_headers, 0u);

  // By hand: both versions, and the byte-by-byte case.
  const SocketAddress from = *SocketAddress::Parse("198.51.100.7:50123");
  Bytes v1;
  proxyproto::EncodeV1(from, farm->address(0), v1);
  Bytes v2;
  proxyproto::EncodeV2(from, farm->address(0), {}, v2);
  std::uint64_t sent = 0;
  for (const Bytes& header : {v1, v2}) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = farm->address(0).ToSockaddr(storage);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
    for (const std::uint8_t byte : header) {
      ASSERT_EQ(::send(fd.get(), &byte, 1, MSG_NOSIGNAL), 1);
    }
    ++sent;
    EXPECT_TRUE(farm->Await(
        0, [&](const ServerCounters& c) { return c.proxy_headers == sent; }, kPatience));
  }
}

TEST(Farm, KilledAndRevivedOnTheSamePort) {
  const auto farm = StartFarm();
  const auto client = StartClient();
  tunnel::TunnelOptions options = To(*farm);
  options.reconnect = true;
  options.backoff_min = std::chrono::milliseconds(5);
  options.backoff_max = std::chrono::milliseconds(20);
  client->Add(options);
  ASSERT_TRUE(client->Await(0, Up, kPatience));
  farm->Kill(0);
  ASSERT_TRUE(client->Await(
      0, [](const tunnel::TunnelReport& r) { return r.end == tunnel::TunnelEnd::kConnectFailed; },
      kPatience));
  ASSERT_TRUE(farm->SetFault(0, {}).ok());
  ASSERT_TRUE(client->Await(
      0, [](const tunnel::TunnelReport& r) { return Up(r) && r.times_up == 2; }, kPatience));
}

}  // namespace
}  // namespace sstplb::demo
