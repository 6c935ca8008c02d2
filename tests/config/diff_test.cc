// SPDX-License-Identifier: Apache-2.0
#include "lb/config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lb/config/read.h"
#include "tests/config/random_config.h"

namespace sstplb::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kBefore = R"(
[listener.vpn]
bind = ["0.0.0.0:443"]
pool = "main"
[[listener.vpn.route]]
sni = ["a.example.com"]
pool = "main"
[pool.main]
[[pool.main.backend]]
name = "vpn1"
address = "10.0.0.11:443"
[[pool.main.backend]]
name = "vpn2"
address = "10.0.0.12:443"
)";

Config Read(const std::string& text) {
  const auto config = ReadText(text, "t.toml");
  EXPECT_TRUE(config) << (config ? "" : config.error().front().ToString());
  return config ? *config : Config{};
}

// The differences that replacing `from` by `to` in kBefore makes.
std::vector<std::string> Changes(const std::string& from, const std::string& to) {
  std::string text(kBefore);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  std::vector<std::string> lines;
  for (const Change& change : Diff(Read(std::string(kBefore)), Read(text))) {
    lines.push_back(change.ToString());
  }
  return lines;
}

TEST(Diff, SaysWhatChangedInTheWordsOfTheConfiguration) {
  EXPECT_THAT(Changes("pool = \"main\"\n", "pool = \"main\"\nidle_timeout = \"30m\"\n"),
              ElementsAre("listener.vpn.idle_timeout: 15m -> 30m"));
  EXPECT_THAT(Changes("pool = \"main\"\n", "pool = \"main\"\ntcp = { mss = 1400 }\n"),
              ElementsAre("listener.vpn.tcp.mss: 0 -> 1400"));
  EXPECT_THAT(Changes("0.0.0.0:443", "[::]:443"),
              ElementsAre("listener.vpn.bind: [\"0.0.0.0:443\"] -> [\"[::]:443\"]"));
  EXPECT_THAT(Changes("[pool.main]", "[pool.main]\nsource = [\"10.0.0.5\"]"),
              ElementsAre("pool.main.source: \"\" -> [\"10.0.0.5\"]"));
  EXPECT_THAT(Changes("[pool.main]", "[pool.main]\nsource = \"transparent\""),
              ElementsAre("pool.main.source: \"\" -> transparent"));
  EXPECT_THAT(Changes("[pool.main]", "[pool.main.probe]\nkind = \"tcp\""),
              ElementsAre("pool.main.probe.kind: sstp -> tcp"));
  EXPECT_THAT(Changes("10.0.0.12", "10.0.0.13"),
              ElementsAre("pool.main.backend.vpn2.address: 10.0.0.12:443 -> 10.0.0.13:443"));
}

TEST(Diff, SaysWhatCameAndWent) {
  EXPECT_THAT(Changes("\"vpn2\"", "\"vpn4\""),
              ElementsAre("pool.main.backend.vpn2: removed (10.0.0.12:443)",
                          "pool.main.backend.vpn4: added (10.0.0.12:443)"));
  EXPECT_THAT(Changes("[pool.main]", "[pool.\"eu.west\"]"),
              ElementsAre("pool.\"eu.west\": added (0 backends)"));
  EXPECT_THAT(Changes("sni = [\"a.example.com\"]", "sni = [\"b.example.com\"]\nalpn = [\"h2\"]"),
              ElementsAre("listener.vpn.route.(a.example.com): removed (pool main)",
                          "listener.vpn.route.(b.example.com alpn h2): added (pool main)"));
  EXPECT_THAT(Changes("[listener.vpn]",
                      "[listener.x]\nbind=[\"1.2.3.4:1\"]\npool=\"main\"\n"
                      "[listener.vpn]"),
              ElementsAre("listener.x: added ([\"1.2.3.4:1\"])"));
}

TEST(Diff, AnotherOrderIsADifference) {
  const std::string moved = R"([[pool.main.backend]]
name = "vpn0"
address = "10.0.0.10:443"
[[pool.main.backend]]
name = "vpn2"
address = "10.0.0.12:443"
[[pool.main.backend]]
name = "vpn1"
address = "10.0.0.11:443"
)";
  const std::string text(kBefore);
  EXPECT_THAT(Changes(text.substr(text.find("[[pool")), moved),
              ElementsAre("pool.main.backend.vpn0: added (10.0.0.10:443)",
                          "pool.main.backend: in another order"));
}

TEST(Diff, KnowsWhatNeedsANewProcess) {
  struct Case {
    std::string line;  // a dotted key at the head of the file
    bool needs_upgrade;
  };
  const std::vector<Case> cases = {
      {"global.workers = 3", true},
      {"global.user = \"sstplb\"", true},
      {"global.state_file = \"/var/lib/sstplb/state\"", false},
      {"global.log.level = \"debug\"", false},
      {"global.log.format = \"json\"", false},
      {"global.log.target = \"journald\"", true},
      {"admin.http = \"\"", true},
      {"admin.socket = \"/tmp/x\"", true},
      {"global.max_sessions = 7", false},
      {"listener.vpn.tcp.mss = 1400", false},
      {"pool.main.tcp.mss = 1400", false},
      {"listener.vpn.idle_timeout = \"1h\"", false},
      {"global.shutdown_grace = \"1m\"", false},
      {"pool.spare.balance = \"round-robin\"", false},
  };
  for (const Case& c : cases) {
    const std::string base =
        "listener.vpn.pool = \"main\"\n"
        "listener.vpn.bind = [\"0.0.0.0:443\"]\n"
        "pool.main.balance = \"round-robin\"\n";
    const auto changes = Diff(Read(base), Read(base + c.line + "\n"));
    ASSERT_EQ(changes.size(), 1u) << c.line;
    EXPECT_EQ(!changes.front().needs_upgrade.empty(), c.needs_upgrade) << c.line;
  }
}

TEST(Diff, WhatIsTakenInPlaceIsAllButWhatNeedsANewProcess) {
  std::size_t needed = 0;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const Config now = RandomConfig(seed);
    const Config wanted = RandomConfig(seed + 1000);
    const Config next = InPlace(now, wanted);
    for (const Change& change : Diff(now, next)) EXPECT_EQ(change.needs_upgrade, "") << change.key;
    for (const Change& change : Diff(next, wanted)) {
      EXPECT_NE(change.needs_upgrade, "") << change.key;
      ++needed;
    }
  }
  EXPECT_GT(needed, 0u);
}

TEST(Diff, IsEmptyExactlyForEqualConfigurations) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const Config one = RandomConfig(seed);
    const Config other = RandomConfig(seed + 1);
    EXPECT_THAT(Diff(one, one), IsEmpty()) << seed;
    EXPECT_EQ(Diff(one, other).empty(), one == other) << seed;
  }
}

}  // namespace
}  // namespace sstplb::config
