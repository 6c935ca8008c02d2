// The crypto binding against values from another implementation of its two formulas.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/crypto_binding.h"

#include <gtest/gtest.h>

#include "tests/sstp/hex.h"

namespace sstplb::tunnel {
namespace {

sstp::Hash32 Filled(const Bytes& bytes) {
  sstp::Hash32 hash{};
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

sstp::Hash32 Counting(std::uint8_t first) {
  sstp::Hash32 hash{};
  for (std::uint8_t& byte : hash) byte = first++;
  return hash;
}

const ByteView kDer = AsBytes("certificate");

struct Known {
  const char* heading;
  std::uint8_t hash;
  Hlak hlak;
  const char* certificate_hash;
  const char* mac;
};

const Known kKnown[] = {
    {"Sha256, without keys", sstp::kHashSha256, Hlak{},
     "03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72",
     "57a1dbfef4be4484d8dbc0e260595d6b0de95e5fb5f7e9dd1e37516741bff812"},
    {"Sha256, with keys", sstp::kHashSha256, Counting(0xa0),
     "03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72",
     "803bf0c18e243e87b68b8fcdc6ca6f169f076df1a7549e6c895cdeb092f155bf"},
    {"Sha1, without keys", sstp::kHashSha1, Hlak{}, "735ad571c189d7ba84464bf4a9f1d2280175b128",
     "7d6842f0a2f4bb1906cd5a68b9ae7d9eceb52a5e"},
    {"Sha1, with keys", sstp::kHashSha1, Counting(0xa0), "735ad571c189d7ba84464bf4a9f1d2280175b128",
     "04247f19a610956870a125bd77b8e35328aaf2eb"},
};

TEST(CryptoBinding, MatchesKnownValues) {
  for (const Known& known : kKnown) {
    SCOPED_TRACE(known.heading);
    const sstp::CryptoBinding made = MakeBinding(known.hash, Counting(0), kDer, known.hlak);
    EXPECT_EQ(made.certificate_hash, Filled(sstp::Hex(known.certificate_hash)));
    EXPECT_EQ(made.mac, Filled(sstp::Hex(known.mac)));
    EXPECT_EQ(CheckBinding(made, {3, Counting(0)}, kDer, known.hlak), BindingVerdict::kValid);
  }
}

TEST(CryptoBinding, EveryPartIsChecked) {
  const sstp::CryptoBindingRequest offered{sstp::kHashSha256, Counting(0)};
  const sstp::CryptoBinding good = MakeBinding(sstp::kHashSha256, Counting(0), kDer, Hlak{});
  EXPECT_EQ(CheckBinding(good, offered, AsBytes("another"), Hlak{}),
            BindingVerdict::kBadCertificate);
  EXPECT_EQ(CheckBinding(good, offered, kDer, Counting(1)), BindingVerdict::kBadMac);
  EXPECT_EQ(CheckBinding(good, {sstp::kHashSha256, Counting(1)}, kDer, Hlak{}),
            BindingVerdict::kBadNonce);
  EXPECT_EQ(CheckBinding(good, {sstp::kHashSha1, Counting(0)}, kDer, Hlak{}),
            BindingVerdict::kBadHash);
  sstp::CryptoBinding both = good;
  both.hash = 3;
  EXPECT_EQ(CheckBinding(both, {3, Counting(0)}, kDer, Hlak{}), BindingVerdict::kBadHash);
}

}  // namespace
}  // namespace sstplb::tunnel
