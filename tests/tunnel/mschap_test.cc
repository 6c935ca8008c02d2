// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/mschap.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sstp/hex.h"

namespace sstplb::tunnel {
namespace {

using sstp::Hex;

MschapChallenge Challenge(std::string_view hex) {
  MschapChallenge challenge{};
  const Bytes bytes = Hex(hex);
  std::copy(bytes.begin(), bytes.end(), challenge.begin());
  return challenge;
}

Bytes ToBytes(ByteView view) { return {view.begin(), view.end()}; }

const MschapChallenge kServer = Challenge("5b5d7c7d7b3f2f3e3c2c602132262628");
const MschapChallenge kClient = Challenge("21402324255e262a28295f2b3a337c7e");

// RFC 2759 section 9.2, RFC 3079 section 3.5.3 (whose send key is the server's).
TEST(Mschap, GivesTheVectorsOfTheStandards) {
  const MschapAnswer answer = AnswerMschap(kServer, kClient, "User", "clientPass");
  EXPECT_EQ(ToBytes(answer.response), Hex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"));
  EXPECT_EQ(answer.proof, "S=407A5589115FD0D6209F510FE9C04566932CDA56");
  EXPECT_EQ(ToBytes(ByteView(answer.hlak).subspan(16)), Hex("8b7cdc149b993a1ba118cb153f56dccb"));
}

// Made with another implementation of the two standards.
TEST(Mschap, APasswordIsUtf8) {
  const MschapAnswer answer =
      AnswerMschap(kServer, kClient, "me", "p\xc3\xa4ssw\xc3\xb6rd\xe2\x82\xac");
  EXPECT_EQ(ToBytes(answer.response), Hex("3b99048b9654107522691ab83588873b9c0780adea0c605d"));
  EXPECT_EQ(ToBytes(answer.hlak),
            Hex("a279bdf018307ba851c4828d42d8087d96db2c67a4952a23c44610ba2b5d8c63"));
}

TEST(Mschap, ADomainIsNotHashed) {
  EXPECT_EQ(AnswerMschap(kServer, kClient, "DOMAIN\\User", "clientPass").response,
            AnswerMschap(kServer, kClient, "User", "clientPass").response);
}

TEST(Mschap, AnEmptyPasswordIsAPassword) {
  EXPECT_EQ(AnswerMschap(kServer, kClient, "User", "").proof.size(), 42u);
}

}  // namespace
}  // namespace sstplb::tunnel
