// Every captured hello against its manifest: whole, byte by byte, and every prefix of it.
//
// The primary verdict of the manifest is asked of every file; no alternative verdict is used.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/tls/hello_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "lb/tls/client_hello.h"
#include "lb/tls/ja4.h"
#include "lb/tls/server_name.h"

namespace sstplb::tls {
namespace {

using testing::AllHelloVectors;
using testing::HelloVector;

template <class List>
std::vector<unsigned> Numbers(const List& list) {
  std::vector<unsigned> out;
  for (const auto item : list) out.push_back(item);
  return out;
}

void ExpectSameHello(const HelloVector& want, const ClientHello& got) {
  EXPECT_EQ(got.has_sni, want.sni.has_value());
  EXPECT_EQ(got.sni, want.sni.value_or(""));
  std::vector<std::string> alpn;
  for (const std::string_view name : got.alpn) alpn.emplace_back(name);
  EXPECT_EQ(alpn, want.alpn);
  EXPECT_EQ(got.legacy_version, want.legacy_version);
  EXPECT_EQ(Numbers(got.supported_versions), want.supported_versions);
  EXPECT_EQ(got.session_id.size(), want.session_id_len);
  EXPECT_EQ(got.has_psk, want.has_psk);
  EXPECT_EQ(got.has_ticket, want.has_ticket);
  EXPECT_EQ(got.has_ech, want.has_ech);
  EXPECT_EQ(got.has_early_data, want.has_early_data);
  EXPECT_EQ(Numbers(got.key_share_groups), want.key_share_groups);
  EXPECT_EQ(got.ciphers.size(), want.cipher_count);
  EXPECT_EQ(got.extension_count, want.extension_count);
  std::size_t walked = 0;
  for ([[maybe_unused]] const Extension& extension : got.extensions) ++walked;
  EXPECT_EQ(walked, want.extension_count);
  EXPECT_EQ(got.hello_len, want.hello_len);
  EXPECT_EQ(Ja4(got), want.ja4);
}

TEST(HelloVectors, AreAllThere) {
  EXPECT_EQ(AllHelloVectors().entries.size(), 377u);
  EXPECT_EQ(AllHelloVectors().routes.size(), 65u);
}

TEST(HelloVectors, WholeFilesGiveTheManifestsAnswer) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    SCOPED_TRACE(vector.file);
    HelloReader reader;
    EXPECT_EQ(ToString(reader.Look(vector.bytes)), vector.verdict) << reader.why();
    EXPECT_EQ(reader.why().empty(), vector.verdict == "ok" || vector.verdict == "need_more");
    if (reader.verdict() == HelloVerdict::kParsed) ExpectSameHello(vector, reader.hello());
  }
}

// Up to this size a file is copied and read anew for every prefix of it.
constexpr std::size_t kSmall = 8192;

// One reader per stream, as a session has it: asked after every byte, the buffer moving each time.
// The buffer has exactly the bytes received, so that a sanitizer sees a read past them.
TEST(HelloVectors, ByteByByteGivesTheSameAnswer) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    SCOPED_TRACE(vector.file);
    HelloReader reader;
    Bytes received;
    std::size_t fed = 0;
    while (fed < vector.bytes.size() && reader.verdict() == HelloVerdict::kNeedMore) {
      const ByteView now = ByteView(vector.bytes).first(++fed);
      if (fed > kSmall) {
        reader.Look(now);
      } else {
        received = Bytes(now.begin(), now.end());
        reader.Look(received);
      }
    }
    EXPECT_EQ(ToString(reader.verdict()), vector.verdict) << reader.why();
    if (reader.verdict() != HelloVerdict::kParsed) continue;
    ExpectSameHello(vector, reader.hello());
    EXPECT_EQ(fed, vector.hello_len) << "parsed with the hello's last byte, not earlier or later";
  }
}

// A fresh reader per prefix: nothing short of a whole hello is anything but need_more. (Of large
// files a part of the prefixes: that one reader says so at each of theirs is tested above.)
TEST(HelloVectors, EveryStrictPrefixOfAHelloNeedsMore) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    if (vector.verdict != "ok" && vector.verdict != "need_more") continue;
    SCOPED_TRACE(vector.file);
    const std::size_t end = vector.verdict == "ok" ? vector.hello_len : vector.bytes.size() + 1;
    const std::size_t step = end > kSmall ? 61 : 1;
    for (std::size_t size = (end - 1) % step; size < end; size += step) {
      HelloReader reader;
      ASSERT_EQ(reader.Look(ByteView(vector.bytes).first(size)), HelloVerdict::kNeedMore) << size;
    }
  }
}

TEST(HelloVectors, AnAnswerNeverChangesWithMoreBytes) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    SCOPED_TRACE(vector.file);
    HelloVerdict before = HelloVerdict::kNeedMore;
    for (std::size_t size = 0; size <= std::min<std::size_t>(vector.bytes.size(), 5000); ++size) {
      HelloReader reader;
      const HelloVerdict now = reader.Look(ByteView(vector.bytes).first(size));
      if (before != HelloVerdict::kNeedMore) {
        ASSERT_EQ(now, before) << size;
      }
      before = now;
    }
  }
}

// Later bytes must not be needed, and must not be looked at.
TEST(HelloVectors, BytesAfterTheHelloChangeNothing) {
  for (const HelloVector& vector : AllHelloVectors().entries) {
    if (vector.verdict != "ok") continue;
    SCOPED_TRACE(vector.file);
    Bytes longer(vector.bytes.begin(),
                 vector.bytes.begin() + static_cast<std::ptrdiff_t>(vector.hello_len));
    longer.insert(longer.end(), 300, 0xff);
    HelloReader reader;
    ASSERT_EQ(reader.Look(longer), HelloVerdict::kParsed) << reader.why();
    ExpectSameHello(vector, reader.hello());
  }
}

// What a hello is routed by: the tag of a route, "default" (no name, or one that no route has), or
// "closed" for what is no hello.
std::string RouteOf(const NameMap& names, const std::vector<std::string>& tags, ByteView stream) {
  HelloReader reader;
  const HelloVerdict verdict = reader.Look(stream);
  if (verdict == HelloVerdict::kNeedMore) return "incomplete";
  if (verdict != HelloVerdict::kParsed) return "closed";
  if (!reader.hello().has_sni) return "default";
  const auto name = NormaliseServerName(reader.hello().sni);
  if (!name) return "default";
  const auto id = names.Find(*name);
  return id ? tags[static_cast<std::size_t>(*id)] : "default";
}

TEST(HelloVectors, AreRoutedAsTheManifestSays) {
  NameMap names;
  std::vector<std::string> tags;
  for (const auto& [name, tag] : AllHelloVectors().routes) {
    ASSERT_TRUE(names.Add(name, static_cast<int>(tags.size()))) << name;
    tags.push_back(tag);
  }
  // Rows that a lenient router would send by the star in them.
  ASSERT_TRUE(names.Add("*.test", static_cast<int>(tags.size())));
  tags.push_back("star");

  for (const HelloVector& vector : AllHelloVectors().entries) {
    SCOPED_TRACE(vector.file);
    const std::string got = RouteOf(names, tags, vector.bytes);
    if (vector.verdict == "not_tls" && vector.route == "sni") {
      // recver-bad-*: the major version of the record is not 3. Servers "MUST accept any value
      // {03,XX} as the record layer version number for ClientHello" (RFC 5246, E.1) and no other;
      // the manifest's verdict is not_tls, and what is no TLS has no name to be routed by.
      EXPECT_EQ(got, "closed");
    } else if (vector.route == "sni" || vector.route == "sni_or_nomatch") {
      const auto route = AllHelloVectors().routes.find(vector.sni_normalised);
      EXPECT_EQ(got, route == AllHelloVectors().routes.end() ? "default" : route->second);
      EXPECT_EQ(NormaliseServerName(*vector.sni), vector.sni_normalised);
    } else if (vector.route == "nomatch") {
      EXPECT_EQ(got, "default");
      EXPECT_EQ(NormaliseServerName(*vector.sni), std::nullopt);
    } else if (vector.route == "nosni") {
      EXPECT_EQ(got, "default");
      EXPECT_FALSE(vector.sni.has_value());
    } else {
      EXPECT_EQ(got, vector.route);  // closed, incomplete
    }
  }
}

}  // namespace
}  // namespace sstplb::tls
