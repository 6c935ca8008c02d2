// What a probe leaves behind when it drops a call that was acknowledged, as sstp-server has it; and
// that the counters tell a careless one from a careful one.
//
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "lb/sstp/http.h"
#include "lb/tunnel/openssl_ptr.h"
#include "tests/demo/farm_helpers.h"

namespace sstplb::demo {
namespace {

// A probe by hand: blocking, as careless as the test wants.
class HandProbe {
 public:
  explicit HandProbe(const SocketAddress& server)
      : context_(*tunnel::MakeClientContext()),
        fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    const socklen_t size = server.ToSockaddr(storage);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), size), 0);
    ssl_.reset(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl_.get(), fd_.get());
    EXPECT_EQ(SSL_connect(ssl_.get()), 1);
  }

  void Send(ByteView bytes) {
    EXPECT_GT(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())), 0);
  }
  // The type of the next control packet; 0 at the end of the connection.
  int NextControl() {
    while (true) {
      const sstp::PacketResult next = sstp::NextPacket(received_);
      if (next.state == sstp::ParseState::kParsed) {
        const bool control = next.packet.control;
        const int type = control ? static_cast<int>(sstp::ParseControl(next.packet.body)->type) : 0;
        received_.erase(received_.begin(),
                        received_.begin() + static_cast<std::ptrdiff_t>(next.packet.size));
        if (control) return type;
      } else if (!Receive()) {
        return 0;
      }
    }
  }
  int Post() {
    Send(AsBytes(sstp::BuildPost({"probe.test", "", std::string(sstp::kPath)})));
    while (true) {
      const sstp::ResponseResult answer = sstp::ParseResponse(received_);
      if (answer.state == sstp::ParseState::kParsed) {
        received_.erase(received_.begin(),
                        received_.begin() + static_cast<std::ptrdiff_t>(answer.size));
        return answer.head.status;
      }
      if (!Receive()) return 0;
    }
  }
  void Close() {
    SSL_shutdown(ssl_.get());
    fd_.Reset();
  }

 private:
  bool Receive() {
    std::uint8_t block[4096];
    const int got = SSL_read(ssl_.get(), block, sizeof block);
    if (got > 0) received_.insert(received_.end(), block, block + got);
    return got > 0;
  }

  tunnel::TlsContext context_;
  Fd fd_;
  std::shared_ptr<SSL> ssl_;
  Bytes received_;
};

ServerOptions LeakyServer() {
  ServerOptions options = QuickServer();
  // Far longer than the test takes: whoever closes first, closes too early.
  options.leak_window = std::chrono::minutes(5);
  options.addresses = 3;
  return options;
}

constexpr int kAck = 2;
constexpr int kAbort = 5;
constexpr int kDisconnectAck = 7;

TEST(Leak, PostAndCloseCostsNothing) {
  const auto farm = StartFarm(LeakyServer());
  HandProbe probe(farm->address(0));
  EXPECT_EQ(probe.Post(), 200);
  probe.Close();
  ASSERT_TRUE(farm->Await(0, Idle, kPatience));
  const ServerCounters counters = farm->counters(0);
  EXPECT_EQ(counters.addresses_leaked, 0u);
  EXPECT_EQ(counters.half_open_left, 0u);
  EXPECT_EQ(counters.probe_like, 1u);
}

TEST(Leak, AckAndCloseCostsAnAddressForEver) {
  const auto farm = StartFarm(LeakyServer());
  for (int i = 0; i < 3; ++i) {
    HandProbe probe(farm->address(0));
    EXPECT_EQ(probe.Post(), 200);
    probe.Send(sstp::EncodeCallConnectRequest());
    EXPECT_EQ(probe.NextControl(), kAck);
    probe.Close();
  }
  ASSERT_TRUE(farm->Await(
      0, [](const ServerCounters& c) { return c.addresses_leaked == 3 && c.open == 0; },
      kPatience));
  EXPECT_EQ(farm->counters(0).half_open_left, 3u);
  EXPECT_EQ(farm->counters(0).addresses_in_use, 3u);

  // Now it is exhausted: a real client is acknowledged and then aborted.
  const auto client = StartClient();
  client->Add(To(*farm));
  ASSERT_TRUE(client->Await(0, Ended, kPatience));
  EXPECT_EQ(client->report(0).end, tunnel::TunnelEnd::kAborted);
}

TEST(Leak, DisconnectWithoutWaitingForTheCloseCostsOneToo) {
  ServerOptions server = LeakyServer();
  server.personality.close_delay = std::chrono::minutes(5);
  const auto farm = StartFarm(server);
  HandProbe probe(farm->address(0));
  EXPECT_EQ(probe.Post(), 200);
  probe.Send(sstp::EncodeCallConnectRequest());
  EXPECT_EQ(probe.NextControl(), kAck);
  probe.Send(sstp::EncodeControl(sstp::MessageType::kCallDisconnect));
  EXPECT_EQ(probe.NextControl(), kDisconnectAck);
  probe.Close();
  EXPECT_TRUE(farm->Await(
      0, [](const ServerCounters& c) { return c.addresses_leaked == 1; }, kPatience));
}

TEST(Leak, WaitingForTheServersCloseCostsNothing) {
  const auto farm = StartFarm(LeakyServer());
  HandProbe probe(farm->address(0));
  EXPECT_EQ(probe.Post(), 200);
  probe.Send(sstp::EncodeCallConnectRequest());
  EXPECT_EQ(probe.NextControl(), kAck);
  probe.Send(sstp::EncodeControl(sstp::MessageType::kCallDisconnect));
  EXPECT_EQ(probe.NextControl(), kDisconnectAck);
  EXPECT_EQ(probe.NextControl(), 0);
  probe.Close();
  ASSERT_TRUE(farm->Await(0, Idle, kPatience));
  EXPECT_EQ(farm->counters(0).addresses_leaked, 0u);
  EXPECT_EQ(farm->counters(0).half_open_left, 0u);
}

TEST(Leak, EchoBeforeCallConnectedIsAbortedOrIgnored) {
  ServerOptions softether = QuickServer();
  softether.personality = PersonalityOf(Kind::kSoftether);
  const auto farm = StartFarm({QuickServer(), softether});
  for (std::size_t i = 0; i < 2; ++i) {
    HandProbe probe(farm->address(i));
    EXPECT_EQ(probe.Post(), 200);
    probe.Send(sstp::EncodeCallConnectRequest());
    EXPECT_EQ(probe.NextControl(), kAck);
    probe.Send(sstp::EncodeControl(sstp::MessageType::kEchoRequest));
    probe.Send(sstp::EncodeControl(sstp::MessageType::kCallDisconnect));
    EXPECT_EQ(probe.NextControl(), i == 0 ? kAbort : kDisconnectAck);
    probe.Close();
  }
}

}  // namespace
}  // namespace sstplb::demo
