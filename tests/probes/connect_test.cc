// How TCP can go wrong, with kind = "tcp", and the PROXY header that goes ahead.
//
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>

#include <vector>

#include "tests/probes/peer.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TcpProbe, OkAndEndsWithAFin) {
  std::string end;
  Peer peer([&](Connection& c) { end = c.End(); });
  const ProbeReport report = RunProbe(RequestFor(config::ProbeKind::kTcp, peer.address()));
  peer.Stop();
  EXPECT_EQ(Word(report), "ok");
  EXPECT_TRUE(HasStep(report, Step::kTcp));
  EXPECT_EQ(end, "fin");
}

TEST(TcpProbe, AServerThatSpeaksFirstIsNotReset) {
  std::string end;
  Peer peer([&](Connection& c) {
    c.Send("220 hello\r\n");
    end = c.End();
  });
  EXPECT_EQ(Word(RunProbe(RequestFor(config::ProbeKind::kTcp, peer.address()))), "ok");
  peer.Stop();
  EXPECT_EQ(end, "fin");
}

TEST(TcpProbe, ConnectRefused) {
  const Fd closed = Listen(-1);
  const ProbeReport report =
      RunProbe(RequestFor(config::ProbeKind::kTcp, LocalAddress(closed.get()).value()));
  EXPECT_EQ(Word(report), "connect_refused");
}

TEST(TcpProbe, ConnectTimeout) {
  // A full accept queue: the kernel drops further SYNs.
  const Fd full = Listen(0);
  sockaddr_storage storage{};
  const SocketAddress address = LocalAddress(full.get()).value();
  const socklen_t size = address.ToSockaddr(storage);
  std::vector<Fd> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&storage), size);
  }
  ProbeRequest request = RequestFor(config::ProbeKind::kTcp, address);
  request.settings.timeout = milliseconds(200);
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "connect_timeout");
  EXPECT_GE(report.took, milliseconds(190));
  EXPECT_LT(report.took, seconds(2));
}

// A link of this host that flaps must not end the sessions of all backends (on_down = "close").
TEST(TcpProbe, NoRouteDoesNotProveTheBackendDead) {
  // TCP to the broadcast address is refused by the kernel itself: ENETUNREACH.
  const SocketAddress broadcast{IpAddress::V4({255, 255, 255, 255}), 443};
  const ProbeReport report = RunProbe(RequestFor(config::ProbeKind::kTcp, broadcast));
  EXPECT_EQ(Word(report), "no_route");
  EXPECT_EQ(report.detail, "Network is unreachable");
  EXPECT_EQ(Info(report.outcome).verdict, Verdict::kRefuses)
      << "no new sessions, the old ones stay";
}

TEST(TcpProbe, LocalErrorWhenTheSourceIsNotOurs) {
  Peer peer([](Connection& c) { c.End(); });
  ProbeRequest request = RequestFor(config::ProbeKind::kTcp, peer.address());
  request.source = IpAddress::V4({192, 0, 2, 1});
  const ProbeReport report = RunProbe(request);
  EXPECT_EQ(Word(report), "local_error");
  EXPECT_NE(report.detail.find("192.0.2.1"), std::string::npos);
  EXPECT_EQ(peer.accepted(), 0);
}

TEST(TcpProbe, ConnectsFromItsSource) {
  std::optional<SocketAddress> from;
  Peer peer([&](Connection& c) {
    from = PeerAddress(c.fd());
    c.End();
  });
  ProbeRequest request = RequestFor(config::ProbeKind::kTcp, peer.address());
  request.source = IpAddress::V4({127, 0, 0, 9});
  EXPECT_EQ(Word(RunProbe(request)), "ok");
  peer.Stop();
  ASSERT_TRUE(from);
  EXPECT_EQ(from->ip.ToString(), "127.0.0.9");
}

TEST(TcpProbe, ResolveFailed) {
  ProbeRequest request = RequestFor(config::ProbeKind::kTcp, {});
  request.address.reset();
  EXPECT_EQ(Word(RunProbe(request)), "resolve_failed");
}

TEST(ClosedAtOnce, ByFinAndByReset) {
  for (const config::ProbeKind kind :
       {config::ProbeKind::kTcp, config::ProbeKind::kTls, config::ProbeKind::kSstp}) {
    for (const bool reset : {false, true}) {
      Peer peer([&](Connection& c) {
        if (reset) c.CloseWithReset();
      });
      const ProbeReport report = RunProbe(RequestFor(kind, peer.address()));
      EXPECT_EQ(Word(report), "closed_at_once") << "reset " << reset << ": " << report.detail;
    }
  }
}

TEST(ProxyHeader, V2GoesAheadAsLocal) {
  std::string header;
  std::string next;
  Peer peer([&](Connection& c) {
    header = c.Receive(16);
    next = c.Receive(3);
  });
  ProbeRequest request = RequestFor(config::ProbeKind::kTls, peer.address());
  request.proxy_protocol = config::ProxyProtocol::kV2;
  const ProbeReport report = RunProbe(request);
  peer.Stop();
  EXPECT_EQ(header, std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16));
  EXPECT_EQ(next, "\x16\x03\x01") << "then the ClientHello";
  EXPECT_EQ(Word(report), "proxy_rejected");
  EXPECT_TRUE(HasStep(report, Step::kProxy));
}

TEST(ProxyHeader, V1NamesTheProbeItself) {
  std::string header;
  std::string expected;
  Peer peer([&](Connection& c) {
    header = c.Receive(107);
    const SocketAddress from = PeerAddress(c.fd()).value();
    const SocketAddress to = LocalAddress(c.fd()).value();
    expected = "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(from.port) + " " +
               std::to_string(to.port) + "\r\n";
    c.End();
  });
  ProbeRequest request = RequestFor(config::ProbeKind::kTcp, peer.address());
  request.proxy_protocol = config::ProxyProtocol::kV1;
  EXPECT_EQ(Word(RunProbe(request)), "ok");
  peer.Stop();
  EXPECT_EQ(header, expected);
}

TEST(Request, FollowsTheConfiguration) {
  config::Config config;
  config::Pool pool;
  pool.name = "main";
  pool.proxy_protocol = config::ProxyProtocol::kV2;
  pool.source = {IpAddress::Parse("2001:db8::9").value(), IpAddress::V4({10, 0, 0, 9})};
  config::Backend backend;
  backend.name = "vpn1";
  config::Listener listener;
  config::Route route;
  route.sni = {"*.example.com", "vpn.example.com"};
  route.pool = "main";
  listener.routes = {route};
  config.listeners = {listener};
  const SocketAddress address{IpAddress::V4({10, 0, 0, 1}), 443};

  const ProbeRequest same = MakeRequest(config, pool, backend, address);
  EXPECT_EQ(same.pool, "main");
  EXPECT_EQ(same.backend, "vpn1");
  EXPECT_EQ(same.server_name, "vpn.example.com");
  EXPECT_EQ(same.proxy_protocol, config::ProxyProtocol::kV2);
  EXPECT_EQ(same.source, IpAddress::V4({10, 0, 0, 9})) << "the first of the address's family";

  pool.probe.proxy_protocol = config::ProbeProxyProtocol::kNone;
  pool.probe.sni = "probe.example.com";
  const ProbeRequest own = MakeRequest(config, pool, backend, address);
  EXPECT_EQ(own.server_name, "probe.example.com");
  EXPECT_EQ(own.proxy_protocol, config::ProxyProtocol::kNone);
}

}  // namespace
}  // namespace sstplb::probes
