// SSTP packets against the bytes that real servers and clients send.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/sstp/message.h"

#include <gtest/gtest.h>

#include "tests/sstp/hex.h"

namespace sstplb::sstp {
namespace {

const Bytes kConnected = [] {
  Bytes bytes = Hex("10 01 00 70 00 04 00 01 00 03 00 68 00 00 00 02");
  for (int i = 0; i < 96; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}();

const Bytes kAck = [] {
  Bytes bytes = Hex("10 01 00 30 00 02 00 01 00 04 00 28 00 00 00 03");
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}();

struct Known {
  const char* heading;
  Bytes bytes;
  MessageType type;
  std::size_t attributes;
};

std::vector<Known> KnownPackets() {
  return {
      {"call connect request", Hex("1001000e 0001 0001 0001 0006 0001"),
       MessageType::kCallConnectRequest, 1},
      {"call connect ack", kAck, MessageType::kCallConnectAck, 1},
      {"nak of SoftEther", Hex("10010014 0003 0001 0002000c 00000001 00000004"),
       MessageType::kCallConnectNak, 1},
      {"call connected", kConnected, MessageType::kCallConnected, 1},
      {"abort without attributes", Hex("10010008 0005 0000"), MessageType::kCallAbort, 0},
      {"abort of accel-ppp", Hex("10010014 0005 0001 0002000c 00000002 00000004"),
       MessageType::kCallAbort, 1},
      {"short abort of sstp-server", Hex("10010010 0005 0001 00020008 00000007"),
       MessageType::kCallAbort, 1},
      {"disconnect", Hex("10010008 0006 0000"), MessageType::kCallDisconnect, 0},
      {"disconnect ack", Hex("10010008 0007 0000"), MessageType::kCallDisconnectAck, 0},
      {"echo request", Hex("10010008 0008 0000"), MessageType::kEchoRequest, 0},
      {"echo response", Hex("10010008 0009 0000"), MessageType::kEchoResponse, 0},
  };
}

TEST(SstpMessage, KnownPacketsAreReadAndWrittenBackAlike) {
  for (const Known& known : KnownPackets()) {
    SCOPED_TRACE(known.heading);
    const PacketResult framed = NextPacket(known.bytes);
    ASSERT_EQ(framed.state, ParseState::kParsed);
    EXPECT_TRUE(framed.packet.control);
    EXPECT_EQ(framed.packet.size, known.bytes.size());
    const auto message = ParseControl(framed.packet.body);
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message->type, known.type);
    EXPECT_EQ(message->attributes.size(), known.attributes);
    EXPECT_EQ(EncodeControl(*message), known.bytes);
  }
}

TEST(SstpMessage, EveryStrictPrefixNeedsMore) {
  for (const Known& known : KnownPackets()) {
    SCOPED_TRACE(known.heading);
    for (std::size_t size = 0; size < known.bytes.size(); ++size) {
      EXPECT_EQ(NextPacket(ByteView(known.bytes).first(size)).state, ParseState::kNeedMore) << size;
    }
  }
}

TEST(SstpMessage, SeveralPacketsInOneBufferComeOneByOne) {
  Bytes buffer;
  for (const Known& known : KnownPackets()) {
    buffer.insert(buffer.end(), known.bytes.begin(), known.bytes.end());
  }
  ByteView left(buffer);
  for (const Known& known : KnownPackets()) {
    const PacketResult framed = NextPacket(left);
    ASSERT_EQ(framed.state, ParseState::kParsed);
    EXPECT_EQ(ParseControl(framed.packet.body)->type, known.type);
    left = left.subspan(framed.packet.size);
  }
  EXPECT_TRUE(left.empty());
}

TEST(SstpMessage, DataKeepsItsPayload) {
  const Bytes frame = Hex("ff 03 c0 21 01 01 00 04");
  const Bytes bytes = EncodeData(frame);
  EXPECT_EQ(bytes, Hex("1000000c ff03c02101010004"));
  const PacketResult framed = NextPacket(bytes);
  ASSERT_EQ(framed.state, ParseState::kParsed);
  EXPECT_FALSE(framed.packet.control);
  EXPECT_EQ(Bytes(framed.packet.body.begin(), framed.packet.body.end()), frame);
}

TEST(SstpMessage, ReservedBitsAreIgnored) {
  const Bytes odd = Hex("10 ff f0 08 00 08 00 00");
  const PacketResult framed = NextPacket(odd);
  ASSERT_EQ(framed.state, ParseState::kParsed);
  EXPECT_TRUE(framed.packet.control);
  EXPECT_EQ(framed.packet.size, 8u);
}

TEST(SstpMessage, BadHeadersAreRefusedAtOnce) {
  const std::pair<const char*, Bytes> table[] = {
      {"HTTP where SSTP is due", Hex("48")},
      {"version 2.0", Hex("20 01 00 08")},
      {"length 0", Hex("10 01 00 00")},
      {"length 3", Hex("10 01 00 03")},
  };
  for (const auto& [heading, bytes] : table) {
    EXPECT_EQ(NextPacket(bytes).state, ParseState::kBad) << heading;
  }
}

TEST(SstpMessage, BadControlBodiesAreRefused) {
  const std::pair<const char*, Bytes> table[] = {
      {"empty", Hex("")},
      {"no count", Hex("0008 00")},
      {"type 0", Hex("0000 0000")},
      {"type 10", Hex("000a 0000")},
      {"an attribute announced, none there", Hex("0001 0001")},
      {"attribute length below its header", Hex("0001 0001 00 01 0003 0001")},
      {"attribute longer than the message", Hex("0001 0001 00 01 0007 0001")},
      {"65535 attributes announced", Hex("0001 ffff 00 01 0006 0001")},
  };
  for (const auto& [heading, bytes] : table) EXPECT_FALSE(ParseControl(bytes).ok()) << heading;
}

TEST(SstpMessage, TypedAttributesAreRead) {
  const ControlMessage request = *ParseControl(NextPacket(EncodeCallConnectRequest()).packet.body);
  EXPECT_EQ(EncapsulatedProtocol(request), kProtocolPpp);
  EXPECT_FALSE(FindCryptoBindingRequest(request));

  const auto ack = FindCryptoBindingRequest(*ParseControl(ByteView(kAck).subspan(kHeaderSize)));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->hash_mask, kHashSha1 | kHashSha256);
  EXPECT_EQ(ack->nonce[31], 31);
  EXPECT_EQ(EncodeCallConnectAck(*ack), kAck);

  const auto binding = FindCryptoBinding(*ParseControl(ByteView(kConnected).subspan(kHeaderSize)));
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->hash, kHashSha256);
  EXPECT_EQ(binding->certificate_hash[0], 32);
  EXPECT_EQ(binding->mac[31], 95);
  EXPECT_EQ(EncodeCallConnected(*binding), kConnected);
}

TEST(SstpMessage, AttributesOfTheWrongSizeAreNotRead) {
  ControlMessage ack = *ParseControl(ByteView(kAck).subspan(kHeaderSize));
  ack.attributes[0].value.push_back(0);
  EXPECT_FALSE(FindCryptoBindingRequest(ack));
  ack.attributes[0].value.resize(35);
  EXPECT_FALSE(FindCryptoBindingRequest(ack));

  ControlMessage connected = *ParseControl(ByteView(kConnected).subspan(kHeaderSize));
  connected.attributes[0].value.resize(99);
  EXPECT_FALSE(FindCryptoBinding(connected));
}

TEST(SstpMessage, StatusIsReadInItsLongAndShortForm) {
  const auto whole = FindStatusInfo(
      *ParseControl(ByteView(EncodeCallConnectNak({AttributeId::kEncapsulatedProtocol,
                                                   StatusCode::kValueNotSupported}))
                        .subspan(kHeaderSize)));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->attribute, AttributeId::kEncapsulatedProtocol);
  EXPECT_EQ(whole->status, StatusCode::kValueNotSupported);

  const Bytes abort = Hex("0005 0001 00020008 00000007");
  const auto brief = FindStatusInfo(*ParseControl(abort));
  ASSERT_TRUE(brief);
  EXPECT_EQ(brief->status, StatusCode::kInvalidFrame);
}

}  // namespace
}  // namespace sstplb::sstp
