// Reading: what a good file becomes.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sstplb::config {
namespace {

using testing::ElementsAre;

constexpr std::string_view kSmallest = R"(
[listener.vpn]
bind = ["0.0.0.0:443", "[::]:443"]
pool = "main"

[[pool.main.backend]]
name = "vpn1"
address = "10.0.0.11:443"
)";

Config MustRead(std::string_view text) {
  const auto config = ReadText(text, "t.toml");
  if (!config) {
    for (const Diagnostic& d : config.error()) ADD_FAILURE() << d.ToString();
    return {};
  }
  return *config;
}

std::vector<std::string> Errors(std::string_view text) {
  const auto config = ReadText(text, "t.toml");
  std::vector<std::string> errors;
  if (config) return errors;
  for (const Diagnostic& d : config.error()) errors.push_back(d.ToString());
  return errors;
}

TEST(Read, TheSmallestFileHasTheDefaults) {
  Config expected;
  expected.listeners.push_back({});
  Listener& listener = expected.listeners.back();
  listener.name = "vpn";
  listener.bind = {*SocketAddress::Parse("0.0.0.0:443"), *SocketAddress::Parse("[::]:443")};
  listener.pool = "main";
  expected.pools.push_back({});
  Pool& pool = expected.pools.back();
  pool.name = "main";
  pool.backends.push_back({});
  pool.backends.back().name = "vpn1";
  pool.backends.back().address = *HostPort::Parse("10.0.0.11:443");
  EXPECT_EQ(MustRead(kSmallest), expected);
}

TEST(Read, ListenersAndPoolsKeepTheOrderOfTheFile) {
  const Config config = MustRead(R"(
[pool.zebra]
[listener.two]
bind = ["127.0.0.1:2"]
pool = "zebra"
[[pool.ant.backend]]
name = "b"
address = "h:1"
[listener.one]
bind = ["127.0.0.1:1"]
pool = "ant"
[[pool.ant.backend]]
name = "a"
address = "h:2"
)");
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].name, "two");
  EXPECT_EQ(config.listeners[1].name, "one");
  ASSERT_EQ(config.pools.size(), 2u);
  EXPECT_EQ(config.pools[0].name, "zebra");
  EXPECT_EQ(config.pools[1].name, "ant");
  ASSERT_EQ(config.pools[1].backends.size(), 2u);
  EXPECT_EQ(config.pools[1].backends[0].name, "b");
}

TEST(Read, FastIntervalFollowsAShorterInterval) {
  const std::string base(kSmallest);
  const auto fast = [&](const std::string& probe) {
    return MustRead(base + "[pool.main.probe]\n" + probe).pools[0].probe.fast_interval;
  };
  EXPECT_EQ(fast(""), seconds(1));
  EXPECT_EQ(fast("interval = \"30s\""), seconds(1));
  EXPECT_EQ(fast("interval = \"200ms\""), milliseconds(200));
  EXPECT_EQ(fast("interval = \"200ms\"\nfast_interval = \"100ms\""), milliseconds(100));
}

TEST(Read, SourceHasThreeForms) {
  const std::string pool = std::string(kSmallest) + "[pool.main]\nsource = ";
  EXPECT_EQ(MustRead(pool + "\"\"").pools[0].source.size(), 0u);
  EXPECT_TRUE(MustRead(pool + "\"transparent\"").pools[0].transparent);
  const Config listed = MustRead(pool + "[\"10.0.0.5\", \"2001:db8::5\"]");
  EXPECT_FALSE(listed.pools[0].transparent);
  EXPECT_THAT(listed.pools[0].source,
              ElementsAre(*IpAddress::Parse("10.0.0.5"), *IpAddress::Parse("2001:db8::5")));
}

TEST(Read, RouteNamesAreLowerCased) {
  const Config config = MustRead(std::string(kSmallest) + R"(
[[listener.vpn.route]]
sni = ["VPN.Example.COM", "*.Example.com"]
pool = "main"
)");
  EXPECT_THAT(config.listeners[0].routes[0].sni, ElementsAre("vpn.example.com", "*.example.com"));
}

TEST(Read, OneRouteByNameAndOneByProtocolMayShareAName) {
  const Config config = MustRead(std::string(kSmallest) + R"(
[[listener.vpn.route]]
sni = ["vpn.example.com"]
pool = "main"
[[listener.vpn.route]]
sni = ["vpn.example.com"]
alpn = ["h2"]
pool = "main"
[[listener.vpn.route]]
alpn = ["h2"]
pool = "main"
)");
  EXPECT_EQ(config.listeners[0].routes.size(), 3u);
}

TEST(Read, PortZeroMayBeBoundTwice) {
  const Config config = MustRead(R"(
[listener.a]
bind = ["127.0.0.1:0"]
pool = "main"
[listener.b]
bind = ["127.0.0.1:0"]
pool = "main"
[pool.main]
)");
  EXPECT_EQ(config.listeners.size(), 2u);
}

TEST(Read, TextThatIsNoTomlGivesItsPlace) {
  const auto errors = Errors("[listener.vpn]\nbind = [\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_TRUE(errors[0].starts_with("t.toml:2:10: ")) << errors[0];
}

TEST(Read, AnEmptyFileSaysWhatIsNeeded) {
  EXPECT_THAT(
      Errors(""),
      ElementsAre("t.toml: listener: there must be at least one: add a [listener.NAME] table",
                  "t.toml: pool: there must be at least one: add a [pool.NAME] table"));
}

TEST(Read, HostileTextIsRefusedNotObeyed) {
  const std::string cases[] = {
      std::string(100000, '['),
      "a = " + std::string(100000, '['),
      "a = " + std::string(100000, '{'),
      std::string("bind\0 = 1", 9),
      "\xff\xfe",
      "a = \"\xff\"",
      "[listener]\nvpn = 7\n[pool]\nmain = [1]",
      "[[listener]]\n[[pool]]",
      "[[listener.vpn]]\n[[pool.main]]",
      "listener = 1\npool = \"x\"\nglobal = []\nadmin = 1979-05-27",
  };
  for (const std::string& text : cases) EXPECT_FALSE(Errors(text).empty()) << text.substr(0, 60);
}

TEST(Read, EveryPrefixOfAFileIsReadOrRefused) {
  const std::string text = std::string(kSmallest) + "[pool.main.probe]\nrise = 3 # so\n";
  std::size_t good = 0;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    if (ReadText(text.substr(0, size), "t.toml")) ++good;
  }
  EXPECT_GT(good, 0u);
  EXPECT_LT(good, text.size());
}

TEST(Read, AFileThatIsNotThereSaysSo) {
  const auto config = ReadFile("/nonexistent/sstplb.toml");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1u);
  EXPECT_EQ(config.error()[0].ToString(),
            "/nonexistent/sstplb.toml: cannot be opened: No such file or directory");
}

TEST(Read, AFolderIsNoFile) { EXPECT_FALSE(ReadFile("/")); }

}  // namespace
}  // namespace sstplb::config
