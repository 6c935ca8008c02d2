// SPDX-License-Identifier: Apache-2.0
#include "lb/session/liveness.h"

#include <gtest/gtest.h>

namespace sstplb::session {
namespace {

using namespace std::chrono_literals;

TEST(Liveness, GoesByTheRhythm) {
  struct Case {
    bool handshaking;
    Duration client;
    Duration backend;
    Duration rhythm;
    Liveness liveness;
  };
  const Case cases[] = {
      {true, 0s, 0s, 60s, Liveness::kHandshaking},
      {true, 100s, 10s, 60s, Liveness::kHandshaking},
      {true, 150s, 150s, 60s, Liveness::kDead},
      {false, 0s, 0s, 60s, Liveness::kEstablished},
      {false, 74s, 60s, 60s, Liveness::kEstablished},
      {false, 75s, 74s, 60s, Liveness::kOneWay},
      {false, 1s, 300s, 60s, Liveness::kOneWay},
      {false, 75s, 75s, 60s, Liveness::kQuiet},
      {false, 149s, 1000s, 60s, Liveness::kQuiet},
      {false, 150s, 1000s, 60s, Liveness::kDead},
      {false, 25s, 0s, 20s, Liveness::kOneWay},
      {false, 1000s, 1000s, 0s, Liveness::kEstablished},
      {true, 1000s, 1000s, 0s, Liveness::kHandshaking},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(LivenessOf(c.handshaking, c.client, c.backend, c.rhythm), c.liveness)
        << Seconds(c.client) << " " << Seconds(c.backend);
  }
}

TEST(Liveness, WordsAreReadBack) {
  for (std::size_t i = 0; i < kLivenessCount; ++i) {
    const auto liveness = static_cast<Liveness>(i);
    EXPECT_EQ(LivenessFromString(ToString(liveness)), liveness);
  }
  EXPECT_EQ(LivenessFromString("one-way"), std::nullopt);
}

}  // namespace
}  // namespace sstplb::session
