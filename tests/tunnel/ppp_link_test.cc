// Two ends of PPP talking to each other in memory, and one end against odd peers.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/ppp_link.h"

#include <gtest/gtest.h>

#include "tests/sstp/hex.h"

namespace sstplb::tunnel {
namespace {

using Phase = PppLink::Phase;

PppOptions ServerSide(const std::string& user = "") {
  return {true,
          user,
          "secret",
          0x01020304,
          *IpAddress::Parse("10.99.0.1"),
          *IpAddress::Parse("10.99.0.7")};
}

PppOptions ClientSide(const std::string& user = "demo", const std::string& password = "secret") {
  return {false, user, password, 0x0a0b0c0d, IpAddress(), IpAddress()};
}

// Carries frames both ways until neither has any; false when they never fall silent.
bool Converse(PppLink& server, PppLink& client, std::vector<Bytes> to_server,
              std::vector<Bytes> to_client = {}) {
  for (int round = 0; round < 100; ++round) {
    if (to_server.empty() && to_client.empty()) return true;
    std::vector<Bytes> from_server;
    std::vector<Bytes> from_client;
    for (const Bytes& frame : to_server) server.OnFrame(*ParseFrame(frame), from_server);
    for (const Bytes& frame : to_client) client.OnFrame(*ParseFrame(frame), from_client);
    to_client = std::move(from_server);
    to_server = std::move(from_client);
  }
  return false;
}

TEST(PppLink, OpensWhoeverSpeaksFirst) {
  for (const bool server_first : {false, true}) {
    PppLink server(ServerSide());
    PppLink client(ClientSide());
    std::vector<Bytes> to_server;
    std::vector<Bytes> to_client;
    client.Start(to_server);
    if (server_first) server.Start(to_client);
    ASSERT_TRUE(Converse(server, client, to_server, to_client));
    EXPECT_EQ(server.phase(), Phase::kOpen);
    EXPECT_EQ(client.phase(), Phase::kOpen);
    EXPECT_EQ(client.own().ToString(), "10.99.0.7");
    EXPECT_EQ(client.peer().ToString(), "10.99.0.1");
  }
}

TEST(PppLink, OnlyTheRightUserGetsIn) {
  const struct {
    const char* user;
    const char* password;
    bool in;
  } table[] = {{"demo", "secret", true}, {"demo", "Secret", false}, {"other", "secret", false}};
  for (const auto& row : table) {
    PppLink server(ServerSide("demo"));
    PppLink client(ClientSide(row.user, row.password));
    std::vector<Bytes> to_server;
    client.Start(to_server);
    ASSERT_TRUE(Converse(server, client, to_server));
    EXPECT_EQ(server.phase(), row.in ? Phase::kOpen : Phase::kEnded) << row.password;
    EXPECT_EQ(client.phase(), row.in ? Phase::kOpen : Phase::kEnded) << row.password;
    if (!row.in) {
      EXPECT_EQ(client.why(), "authentication failed");
    }
  }
}

TEST(PppLink, UnknownOptionsAreRejectedAndKnownOnesKept) {
  PppLink server(ServerSide());
  std::vector<Bytes> out;
  // MRU, magic, protocol and address compression, as pppd asks.
  server.OnFrame(*ParseFrame(sstp::Hex("ff03 c021 01 09 0012 01040578 050611223344 0702 0802")),
                 out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[1], sstp::Hex("ff03 c021 04 09 0008 0702 0802"));
  out.clear();
  server.OnFrame(*ParseFrame(sstp::Hex("ff03 c021 01 0a 000e 01040578 050611223344")), out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0], sstp::Hex("ff03 c021 02 0a 000e 01040578 050611223344"));
}

TEST(PppLink, EchoIsAnsweredWithOnesOwnMagic) {
  PppLink server(ServerSide());
  std::vector<Bytes> out;
  server.OnFrame(*ParseFrame(sstp::Hex("c021 09 05 000a 11223344 6162")), out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0], sstp::Hex("ff03 c021 0a 05 000a 01020304 6162"));
}

TEST(PppLink, TerminateEndsBothSides) {
  PppLink server(ServerSide());
  PppLink client(ClientSide());
  std::vector<Bytes> frames;
  client.Start(frames);
  ASSERT_TRUE(Converse(server, client, frames));
  frames.clear();
  client.Terminate(frames);
  ASSERT_TRUE(Converse(server, client, frames));
  EXPECT_EQ(server.phase(), Phase::kEnded);
  EXPECT_EQ(server.why(), "terminated by the peer");
}

TEST(PppLink, UnansweredRequestsAreRepeatedAndThenGivenUp) {
  PppLink client(ClientSide());
  std::vector<Bytes> out;
  client.Start(out);
  for (int i = 0; i < 40; ++i) client.OnTick(out);
  EXPECT_EQ(client.phase(), Phase::kEnded);
  EXPECT_GT(out.size(), 5u);
  EXPECT_LT(out.size(), 40u);
}

TEST(PppLink, APeerThatNeverAgreesIsGivenUp) {
  PppLink server(ServerSide());
  std::vector<Bytes> out;
  for (int i = 0; i < 50; ++i) {
    server.OnFrame(*ParseFrame(sstp::Hex("c021 01 09 0006 0702")), out);
  }
  EXPECT_EQ(server.phase(), Phase::kEnded);
  EXPECT_LT(out.size(), 40u);
}

TEST(PppLink, AnyBytesAreSurvived) {
  const Bytes seed = sstp::Hex("ff03 c021 01 09 0012 01040578 050611223344 0702 0802");
  for (std::size_t at = 0; at < seed.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes bytes = seed;
      bytes[at] = static_cast<std::uint8_t>(value);
      PppLink link(ServerSide());
      std::vector<Bytes> out;
      if (const auto frame = ParseFrame(bytes)) link.OnFrame(*frame, out);
      if (const auto frame = ParseFrame(ByteView(bytes).first(at))) link.OnFrame(*frame, out);
      EXPECT_LE(out.size(), 4u);
    }
  }
}

}  // namespace
}  // namespace sstplb::tunnel
