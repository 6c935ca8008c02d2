// ClientHello: the rules and limits that no captured file sits exactly on.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/client_hello.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "lb/base/bytes.h"
#include "tests/tls/hello_vectors.h"

namespace sstplb::tls {
namespace {

struct RawExtension {
  std::uint16_t type;
  Bytes data;
};

Bytes ServerName(std::string_view name) {
  Bytes out;
  Writer writer(out);
  writer.U16(static_cast<std::uint16_t>(name.size() + 3));
  writer.U8(0);
  writer.U16(static_cast<std::uint16_t>(name.size()));
  writer.Raw(name);
  return out;
}

// A handshake message of a plain hello with these extensions.
Bytes Message(const std::vector<RawExtension>& extensions) {
  Bytes block;
  Writer blocks(block);
  for (const RawExtension& extension : extensions) {
    blocks.U16(extension.type);
    blocks.U16(static_cast<std::uint16_t>(extension.data.size()));
    blocks.Raw(extension.data);
  }
  Bytes out;
  Writer writer(out);
  const std::size_t body = 2 + 32 + 1 + 4 + 2 + 2 + block.size();
  writer.U32(1u << 24 | static_cast<std::uint32_t>(body));
  writer.U16(0x0303);
  writer.Raw(Bytes(32, 0x55));
  writer.U8(0);
  writer.U16(2);
  writer.U16(0xc02f);
  writer.U16(0x0100);
  writer.U16(static_cast<std::uint16_t>(block.size()));
  writer.Raw(block);
  return out;
}

Bytes Records(ByteView message, std::size_t fragment = 16384) {
  Bytes out;
  Writer writer(out);
  while (!message.empty()) {
    const ByteView part = message.first(std::min(fragment, message.size()));
    writer.U8(22);
    writer.U16(0x0301);
    writer.U16(static_cast<std::uint16_t>(part.size()));
    writer.Raw(part);
    message = message.subspan(part.size());
  }
  return out;
}

// A hello whose whole handshake message has this many bytes.
Bytes MessageOfSize(std::size_t size) {
  const std::size_t padding = size - Message({{21, {}}}).size();
  return Message({{21, Bytes(padding, 0)}});
}

std::string Answer(ByteView stream, HelloLimits limits = {}) {
  HelloReader reader(limits);
  return std::string(ToString(reader.Look(stream)));
}

TEST(ClientHello, MessageLimitIsExact) {
  const Bytes fits = MessageOfSize(4096);
  const Bytes over = MessageOfSize(4097);
  const HelloLimits limits{.max_message = 4096};
  EXPECT_EQ(Answer(Records(fits), limits), "ok");
  EXPECT_EQ(Answer(Records(over), limits), "too_large");
  // Known from the message's header, before the rest is waited for.
  EXPECT_EQ(Answer(ByteView(Records(over)).first(8), limits), "need_more");
  EXPECT_EQ(Answer(ByteView(Records(over)).first(9), limits), "too_large");
}

TEST(ClientHello, NeverAsksForMoreThanMaxStream) {
  const Bytes message = MessageOfSize(4096);
  struct Row {
    std::size_t fragment;
    const char* answer;
  };
  const HelloLimits limits{.max_message = 4096};
  // 5 bytes of header per fragment: at 5 the stream is exactly twice the message.
  for (const Row& row : {Row{1, "too_large"}, Row{4, "too_large"}, Row{5, "too_large"},
                         Row{6, "ok"}, Row{100, "ok"}}) {
    EXPECT_EQ(Answer(Records(message, row.fragment), limits), row.answer) << row.fragment;
  }
  const Bytes even = MessageOfSize(4000);
  EXPECT_EQ(Records(even, 5).size(), 8000u);
  EXPECT_EQ(Answer(Records(even, 5), {.max_message = 4000}), "ok");
}

TEST(ClientHello, SizeSplitOverRecordsIsStillLimited) {
  const Bytes over = MessageOfSize(5000);
  EXPECT_EQ(Answer(Records(over, 1), {.max_message = 4096}), "too_large");
  EXPECT_EQ(Answer(ByteView(Records(over, 1)).first(4 * 6), {.max_message = 4096}), "too_large");
}

TEST(ClientHello, ManyExtensionsAreReadOnceEach) {
  std::vector<RawExtension> many;
  for (unsigned type = 1000; type < 17000; ++type) {
    many.push_back({static_cast<std::uint16_t>(type), {}});
  }
  many.push_back({0, ServerName("vpn.example.com")});
  HelloReader reader;
  const Bytes stream = Records(Message(many));
  ASSERT_EQ(reader.Look(stream), HelloVerdict::kParsed) << reader.why();
  EXPECT_EQ(reader.hello().extension_count, 16001);
  EXPECT_EQ(reader.hello().sni, "vpn.example.com");
}

TEST(ClientHello, DuplicatesAreFoundWhereverTheyAre) {
  struct Row {
    unsigned first_type;
    unsigned count;
    unsigned twice;
  };
  for (const Row& row :
       {Row{2, 1, 2}, Row{2, 5, 2}, Row{2, 5, 6}, Row{1000, 1, 1000}, Row{1000, 16, 1015},
        Row{1000, 17, 1016}, Row{1000, 17, 1000}, Row{1000, 3000, 3999}, Row{1000, 3000, 1000}}) {
    std::vector<RawExtension> list;
    for (unsigned i = 0; i < row.count; ++i) {
      list.push_back({static_cast<std::uint16_t>(row.first_type + i), {}});
    }
    EXPECT_EQ(Answer(Records(Message(list))), "ok") << row.first_type << " " << row.count;
    list.push_back({static_cast<std::uint16_t>(row.twice), {}});
    HelloReader reader;
    EXPECT_EQ(reader.Look(Records(Message(list))), HelloVerdict::kMalformed) << row.twice;
    EXPECT_THAT(std::string(reader.why()), ::testing::HasSubstr("duplicate"));
  }
}

TEST(ClientHello, BrokenExtensionsAreNamed) {
  struct Row {
    std::uint16_t type;
    Bytes data;
    const char* why;
  };
  const std::vector<Row> rows = {
      // server_name
      {0, {}, "server_name: list length"},
      {0, {0, 0}, "server_name: empty list"},
      {0, {0, 2, 0, 0}, "server_name: entry over its list"},
      {0, {0, 3, 0, 0, 0}, "server_name: empty HostName"},
      {0, {0, 4, 0, 0, 2, 'a'}, "server_name: entry over its list"},
      {0, {0, 4, 0, 0, 1, 'a', 0}, "server_name: list length"},
      {0, {0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'}, "server_name: two names"},
      {0, {0, 8, 7, 0, 1, 'a', 7, 0, 1, 'b'}, "server_name: two names"},
      // alpn
      {16, {}, "alpn: list length"},
      {16, {0, 0}, "alpn: list length"},
      {16, {0, 1, 0}, "alpn: empty name"},
      {16, {0, 3, 3, 'h', '2'}, "alpn: name over its list"},
      {16, {0, 3, 2, 'h', '2', 0}, "alpn: list length"},
      // supported_versions
      {43, {}, "supported_versions"},
      {43, {0}, "supported_versions"},
      {43, {1, 3}, "supported_versions"},
      {43, {3, 3, 4, 3}, "supported_versions"},
      {43, {2, 3, 4, 0}, "supported_versions"},
      // signature_algorithms
      {13, {0, 0}, "signature_algorithms"},
      {13, {0, 1, 4}, "signature_algorithms"},
      {13, {0, 4, 4, 1}, "signature_algorithms"},
      // key_share
      {51, {}, "key_share: list length"},
      {51, {0, 4, 0, 29, 0, 1}, "key_share: entry over its list"},
      {51, {0, 4, 0, 29, 0, 0}, "key_share: empty key"},
      {51, {0, 3, 0, 29, 0}, "key_share: entry over its list"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.type) + " " + row.why);
    HelloReader reader;
    EXPECT_EQ(reader.Look(Records(Message({{row.type, row.data}}))), HelloVerdict::kMalformed);
    EXPECT_THAT(std::string(reader.why()), ::testing::StartsWith(row.why));
  }
}

// A name of an unknown type is skipped by its length; the host name counts wherever it stands.
TEST(ClientHello, OtherNameTypesAreSkipped) {
  const Bytes list = {0, 11, 7, 0, 1, 'x', 0, 0, 4, 'h', 'o', 's', 't'};
  const Bytes stream = Records(Message({{0, list}}));
  HelloReader reader;
  ASSERT_EQ(reader.Look(stream), HelloVerdict::kParsed) << reader.why();
  EXPECT_EQ(reader.hello().sni, "host");
}

TEST(ClientHello, HelloOfOneRecordIsReadInPlace) {
  const auto& vector = testing::FindHelloVector("hello/curl-default.bin");
  HelloReader reader;
  ASSERT_EQ(reader.Look(vector.bytes), HelloVerdict::kParsed);
  const char* begin = reinterpret_cast<const char*>(vector.bytes.data());
  EXPECT_GE(reader.hello().sni.data(), begin);
  EXPECT_LT(reader.hello().sni.data(), begin + vector.bytes.size());
}

TEST(ClientHello, ReaderMayMoveWithItsJoinedHello) {
  HelloReader from;
  ASSERT_EQ(from.Look(testing::FindHelloVector("hello/split-1byte-java.bin").bytes),
            HelloVerdict::kParsed);
  const HelloReader to = std::move(from);
  EXPECT_EQ(to.hello().sni, "shop.example.org");
}

TEST(ClientHello, AnAnswerIsFinal) {
  HelloReader reader;
  EXPECT_EQ(reader.Look(AsBytes("GET / HTTP/1.1\r\n")), HelloVerdict::kNotTls);
  EXPECT_EQ(reader.Look(testing::FindHelloVector("hello/curl-default.bin").bytes),
            HelloVerdict::kNotTls);
}

TEST(ClientHello, OtherProtocolsAreToldByTheirFirstByte) {
  for (const char* text : {"G", "P", "SSH-2.0", "\x80\x2e\x01"}) {
    EXPECT_EQ(Answer(AsBytes(text)), "not_tls") << text;
  }
  EXPECT_EQ(Answer({}), "need_more");
  EXPECT_EQ(Answer(Bytes{22}), "need_more");
  EXPECT_EQ(Answer(Bytes{22, 2}), "not_tls");
  EXPECT_EQ(Answer(Bytes{22, 3, 9, 0, 0}), "malformed");
  EXPECT_EQ(Answer(Bytes{22, 3, 1, 0x40, 1}), "malformed");
  EXPECT_EQ(Answer(Bytes{22, 3, 1, 0x40, 0}), "need_more");
  EXPECT_EQ(Answer(Bytes{22, 3, 1, 0x40, 0, 2}), "malformed");
}

}  // namespace
}  // namespace sstplb::tls
