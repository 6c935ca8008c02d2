// Two ends of PPP talking to each other in memory, and one end against odd peers.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/ppp_link.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// A client whose server asks for MS-CHAPv2, with the names and challenges of RFC 2759, 9.2.
class MschapLinkTest : public ::testing::Test {
 protected:
  MschapLinkTest() : client_(Options()) {
    std::vector<Bytes> out;
    client_.Start(out);
    Hear("ff03 c021 02 01 000e 01040578 05060a0b0c0d");  // its options are taken
    EXPECT_EQ(Hear("ff03 c021 01 07 0009 0305c22381"),
              sstp::Hex("ff03 c021 02 07 0009 0305c22381"));
    EXPECT_EQ(client_.phase(), Phase::kAuthenticate);
  }
  static PppOptions Options() {
    PppOptions options = ClientSide("User", "clientPass");
    const Bytes challenge = sstp::Hex("21402324255e262a28295f2b3a337c7e");
    std::copy(challenge.begin(), challenge.end(), options.challenge.begin());
    return options;
  }
  // What the client says to it; empty for nothing.
  Bytes Hear(std::string_view frame) {
    std::vector<Bytes> out;
    const Bytes bytes = sstp::Hex(frame);
    client_.OnFrame(*ParseFrame(bytes), out);
    return out.empty() ? Bytes() : out.front();
  }
  Bytes Success(std::string_view text) {
    Bytes content = {3, 1, 0, static_cast<std::uint8_t>(4 + text.size())};
    content.insert(content.end(), text.begin(), text.end());
    std::vector<Bytes> out;
    client_.OnFrame({kPppChap, content}, out);
    return out.empty() ? Bytes() : out.front();
  }

  static constexpr std::string_view kChallenge =
      "ff03 c223 01 01 0017 10 5b5d7c7d7b3f2f3e3c2c602132262628 7372";
  PppLink client_;
};

TEST_F(MschapLinkTest, ProvesThePasswordAndHasTheServerProveIt) {
  EXPECT_EQ(client_.hlak(), sstp::Hash32{});
  EXPECT_EQ(Hear(kChallenge),
            sstp::Hex("ff03 c223 02 01 003a 31 21402324255e262a28295f2b3a337c7e 0000000000000000"
                      "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df 00 55736572"));
  Success("S=407A5589115FD0D6209F510FE9C04566932CDA56 M=Welcome");
  EXPECT_EQ(client_.phase(), Phase::kNetwork);
  EXPECT_NE(client_.hlak(), sstp::Hash32{});
}

TEST_F(MschapLinkTest, AServerThatProvesNothingIsLeft) {
  Hear(kChallenge);
  Success("S=407A5589115FD0D6209F510FE9C04566932CDA57");
  EXPECT_EQ(client_.phase(), Phase::kEnded);
}

TEST_F(MschapLinkTest, SuccessBeforeAChallengeIsNone) {
  Success("S=407A5589115FD0D6209F510FE9C04566932CDA56");
  EXPECT_EQ(client_.phase(), Phase::kAuthenticate);
}

TEST_F(MschapLinkTest, FailureEndsIt) {
  Hear(kChallenge);
  Hear("ff03 c223 04 01 0009 453d363931");
  EXPECT_EQ(client_.phase(), Phase::kEnded);
  EXPECT_EQ(client_.why(), "authentication failed");
}

TEST_F(MschapLinkTest, AnyCutChallengeIsSurvived) {
  const Bytes whole = sstp::Hex(kChallenge);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<Bytes> out;
    if (const auto frame = ParseFrame(ByteView(whole).first(size))) client_.OnFrame(*frame, out);
    EXPECT_TRUE(out.empty()) << size;
  }
  EXPECT_FALSE(Hear(kChallenge).empty());
}

TEST(PppLink, AClientAsksForMschapInPlaceOfWhatItDoesNotKnow) {
  PppLink client(ClientSide());
  std::vector<Bytes> out;
  client.Start(out);
  out.clear();
  client.OnFrame(*ParseFrame(sstp::Hex("ff03 c021 01 07 0008 0304c227")), out);  // EAP
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0], sstp::Hex("ff03 c021 03 07 0009 0305c22381"));
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
