// Writing: what is written is read as the same configuration.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lb/config/read.h"
#include "lb/config/schema.h"
#include "tests/config/key_paths.h"
#include "tests/config/random_config.h"

namespace sstplb::config {
namespace {

// The reader's complaints about what was written, none when it is `config` again.
std::string RoundTrip(const Config& config, WriteKeys keys) {
  const std::string text = WriteToml(config, keys);
  const auto read = ReadText(text, "written.toml");
  if (!read) {
    std::string all;
    for (const Diagnostic& d : read.error()) all += d.ToString() + "\n";
    return all + text;
  }
  return *read == config ? "" : "is another configuration:\n" + text;
}

TEST(Write, EveryConfigurationReadsBackAsItself) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const Config config = RandomConfig(seed);
    ASSERT_EQ(RoundTrip(config, WriteKeys::kChanged), "") << "seed " << seed;
    ASSERT_EQ(RoundTrip(config, WriteKeys::kAll), "") << "seed " << seed;
  }
}

TEST(Write, GoodFilesReadBackAsThemselves) {
  for (const char* name : {"smallest", "two_sites", "dotted_keys"}) {
    const auto config = ReadFile(SSTPLB_TEST_VECTORS "/config/good/" + std::string(name) + ".toml");
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(RoundTrip(*config, WriteKeys::kChanged), "") << name;
    EXPECT_EQ(RoundTrip(*config, WriteKeys::kAll), "") << name;
  }
}

TEST(Write, OnlyWhatDiffersFromTheDefaults) {
  constexpr std::string_view kText = R"([global]
log = { level = "debug" }

[listener.vpn]
bind = ["0.0.0.0:443"]
pool = "eu.west"
idle_timeout = "30m"

[[listener.vpn.route]]
sni = ["vpn.example.com"]
pool = "eu.west"

[pool."eu.west"]
source = "transparent"

[pool."eu.west".probe]
interval = "10s"

[[pool."eu.west".backend]]
name = "vpn1"
address = "10.0.0.11:443"
weight = 50
)";
  const auto config = ReadText(kText, "t.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(WriteToml(*config), kText);
}

TEST(Write, AllKeysMeansEveryKeyTheReaderKnows) {
  const auto config = ReadFile(SSTPLB_TEST_VECTORS "/config/good/two_sites.toml");
  ASSERT_TRUE(config);
  const auto document = ParseDocument(WriteToml(*config, WriteKeys::kAll), "t");
  ASSERT_TRUE(document);
  const auto written = KeyPaths(*document);
  for (const std::string& key : KnownKeys()) {
    EXPECT_NE(std::find(written.begin(), written.end(), key), written.end()) << key;
  }
}

}  // namespace
}  // namespace sstplb::config
