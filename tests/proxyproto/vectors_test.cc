// Every file of tests/vectors/pp gives the answer of pp_manifest.json: headers that HAProxy and
// nginx really sent, headers made after the text of the format, and broken ones. All verdicts are
// the manifest's first choice; its alternatives are not used.
//
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proxyproto/parse.h"

namespace sstplb::proxyproto {
namespace {

using nlohmann::json;

struct Vector {
  std::string file;
  json expect;
  Bytes bytes;

  std::size_t header_len() const { return expect.at("header_len").get<std::size_t>(); }
  bool is_ok() const { return expect.at("verdict") == "ok"; }
};

std::vector<Vector> LoadAll() {
  const std::string root = SSTPLB_TEST_VECTORS "/";
  std::ifstream file(root + "pp_manifest.json");
  const json manifest = json::parse(file);
  std::vector<Vector> all;
  for (const json& entry : manifest.at("entries")) {
    Vector vector{entry.at("file"), entry.at("expect"), {}};
    std::ifstream bytes(root + vector.file, std::ios::binary);
    EXPECT_TRUE(bytes) << vector.file;
    vector.bytes.assign(std::istreambuf_iterator<char>(bytes), {});
    all.push_back(std::move(vector));
  }
  return all;
}

class VectorsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { vectors_ = new std::vector<Vector>(LoadAll()); }
  static void TearDownTestSuite() { delete vectors_; }
  static inline std::vector<Vector>* vectors_ = nullptr;
};

Verdict VerdictOf(const json& expect) {
  if (expect.at("verdict") == "ok") return Verdict::kOk;
  if (expect.at("verdict") == "need_more") return Verdict::kNeedMore;
  EXPECT_EQ(expect.at("verdict"), "malformed");
  return expect.at("version").is_null() ? Verdict::kNoHeader : Verdict::kBad;
}

struct Kind {
  Family family;
  Transport transport;
};
const std::map<std::string, Kind> kKinds = {
    {"TCP4", {Family::kInet, Transport::kStream}},
    {"TCP6", {Family::kInet6, Transport::kStream}},
    {"UDP4", {Family::kInet, Transport::kDatagram}},
    {"UDP6", {Family::kInet6, Transport::kDatagram}},
    {"UNIX_STREAM", {Family::kUnix, Transport::kStream}},
    {"UNIX_DGRAM", {Family::kUnix, Transport::kDatagram}},
    {"UNKNOWN", {Family::kUnspec, Transport::kUnspec}},
    {"UNSPEC", {Family::kUnspec, Transport::kUnspec}},
};

std::string Hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

void ExpectTlvs(const std::vector<Tlv>& tlvs, const json& expect) {
  ASSERT_EQ(tlvs.size(), expect.size());
  for (std::size_t i = 0; i < tlvs.size(); ++i) {
    EXPECT_EQ(tlvs[i].type, expect[i].at("type").get<int>());
    EXPECT_EQ(tlvs[i].value.size(), expect[i].at("len").get<std::size_t>());
    EXPECT_EQ(Hex(tlvs[i].value), expect[i].at("value_hex").get<std::string>());
    ASSERT_EQ(tlvs[i].type == tlv_type::kSsl, expect[i].contains("ssl"));
    if (!expect[i].contains("ssl")) continue;
    const auto ssl = ReadSsl(tlvs[i].value);
    ASSERT_TRUE(ssl);
    EXPECT_EQ(ssl->client, expect[i].at("ssl").at("client").get<int>());
    EXPECT_EQ(ssl->verify, expect[i].at("ssl").at("verify").get<std::uint32_t>());
    ExpectTlvs(ssl->fields, expect[i].at("ssl").at("sub"));
  }
}

void ExpectEndpoint(const std::optional<SocketAddress>& got, const json& ip, const json& port) {
  ASSERT_EQ(got.has_value(), !ip.is_null());
  if (!got) return;
  EXPECT_EQ(got->ip, *IpAddress::Parse(ip.get<std::string>()));
  EXPECT_EQ(got->port, port.get<int>());
}

void ExpectHeader(const Header& header, const json& expect) {
  EXPECT_EQ(static_cast<int>(header.version), expect.at("version").get<int>());
  EXPECT_EQ(header.command, expect.at("command") == "LOCAL" ? Command::kLocal : Command::kProxy);
  const Kind kind = kKinds.at(expect.at("family"));
  EXPECT_EQ(header.family, kind.family);
  // PROXY over UNSPEC keeps what transport it came with.
  if (kind.family != Family::kUnspec) {
    EXPECT_EQ(header.transport, kind.transport);
  }
  EXPECT_EQ(header.checksummed, expect.contains("crc32c_ok"));
  if (header.checksummed) {
    EXPECT_TRUE(expect.at("crc32c_ok").get<bool>());
  }
  ExpectTlvs(header.tlvs, expect.at("tlvs"));

  if (kind.family == Family::kUnix || expect.value("addresses_ignored", false)) {
    EXPECT_FALSE(header.source || header.destination);
    const bool ignored = expect.value("addresses_ignored", false);
    EXPECT_EQ(header.unix_source, ignored ? "" : expect.at("src"));
    EXPECT_EQ(header.unix_destination, ignored ? "" : expect.at("dst"));
    return;
  }
  ExpectEndpoint(header.source, expect.at("src"), expect.at("sport"));
  ExpectEndpoint(header.destination, expect.at("dst"), expect.at("dport"));
}

TEST_F(VectorsTest, AllAreThere) { EXPECT_EQ(vectors_->size(), 149u); }

TEST_F(VectorsTest, EveryFileGivesItsAnswer) {
  for (const Vector& vector : *vectors_) {
    SCOPED_TRACE(vector.file);
    const ParseResult result = Parse(vector.bytes);
    ASSERT_EQ(result.verdict, VerdictOf(vector.expect)) << result.why;
    const bool refused = result.verdict == Verdict::kBad || result.verdict == Verdict::kNoHeader;
    EXPECT_EQ(!result.why.empty(), refused);
    if (result.verdict == Verdict::kNeedMore) {
      EXPECT_GT(result.size, vector.bytes.size());
    }
    if (!vector.is_ok()) continue;
    EXPECT_EQ(result.size, vector.header_len());
    ExpectHeader(result.header, vector.expect);
  }
}

TEST_F(VectorsTest, EveryStrictPrefixOfAHeaderNeedsMore) {
  for (const Vector& vector : *vectors_) {
    if (!vector.is_ok()) continue;
    for (std::size_t size = 0; size < vector.header_len(); ++size) {
      const ParseResult result = Parse(ByteView(vector.bytes).first(size));
      ASSERT_EQ(result.verdict, Verdict::kNeedMore) << vector.file << " cut to " << size;
      ASSERT_GT(result.size, size) << vector.file;
      ASSERT_LE(result.size, vector.header_len()) << vector.file << " cut to " << size;
    }
  }
}

TEST_F(VectorsTest, WhatFollowsTheHeaderDoesNotMatter) {
  for (const Vector& vector : *vectors_) {
    if (!vector.is_ok()) continue;
    const ParseResult whole = Parse(vector.bytes);
    const ParseResult alone = Parse(ByteView(vector.bytes).first(vector.header_len()));
    EXPECT_EQ(alone.verdict, Verdict::kOk) << vector.file;
    EXPECT_EQ(alone.header, whole.header) << vector.file;
  }
}

TEST_F(VectorsTest, OneChangedBitNeverPassesAChecksum) {
  for (const Vector& vector : *vectors_) {
    if (!vector.is_ok() || !vector.expect.contains("crc32c_ok")) continue;
    for (std::size_t bit = 0; bit < 8 * vector.header_len(); ++bit) {
      Bytes changed(vector.bytes.begin(),
                    vector.bytes.begin() + static_cast<std::ptrdiff_t>(vector.header_len()));
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
      const ParseResult result = Parse(changed);
      // A change that hides the checksum itself cannot be seen: its type, or a length ahead of it.
      if (result.verdict == Verdict::kOk) {
        EXPECT_FALSE(result.header.checksummed) << vector.file << " bit " << bit;
      }
    }
  }
}

}  // namespace
}  // namespace sstplb::proxyproto
