// What ships in deploy/ and docs/ agrees with what the reader knows.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lb/config/finding_list.h"
#include "lb/config/lint.h"
#include "lb/config/read.h"
#include "lb/config/schema.h"
#include "tests/config/key_paths.h"

namespace sstplb::config {
namespace {

using testing::IsEmpty;

std::string ReadWhole(const std::string& path) {
  std::ifstream in(SSTPLB_SOURCE_DIR "/" + path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

Config MustRead(const std::string& path) {
  const auto config = ReadFile(SSTPLB_SOURCE_DIR "/" + path);
  if (!config) {
    for (const Diagnostic& d : config.error()) ADD_FAILURE() << d.ToString();
    return {};
  }
  return *config;
}

std::vector<std::string> Names(const Config& config) {
  std::vector<std::string> names;
  for (const Finding& finding : Lint(config)) names.push_back(finding.name);
  return names;
}

TEST(Deploy, TheExampleHasEveryKey) {
  const auto document = ParseDocument(ReadWhole("deploy/sstplb.example.toml"), "example");
  ASSERT_TRUE(document);
  const auto keys = KeyPaths(*document);
  const auto known = KnownKeys();
  ASSERT_GT(known.size(), 70u);
  for (const std::string& key : known) {
    EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << key << " is not shown";
  }
}

TEST(Deploy, TheExampleShowsTheDefaults) {
  const Config example = MustRead("deploy/sstplb.example.toml");
  Config expected = MustRead("deploy/sstplb.minimal.toml");
  ASSERT_EQ(expected.listeners.size(), 1u);
  expected.listeners[0].routes.push_back(
      {.sni = {"vpn.example.com", "*.vpn.example.com"}, .alpn = {}, .pool = "main"});
  EXPECT_EQ(example, expected);
  EXPECT_THAT(Names(example), IsEmpty());
}

TEST(Deploy, TheMinimalConfigurationHasNoWarning) {
  EXPECT_THAT(Names(MustRead("deploy/sstplb.minimal.toml")), IsEmpty());
}

TEST(Deploy, EveryKeyOfTheExampleHasItsComment) {
  std::ifstream in(SSTPLB_SOURCE_DIR "/deploy/sstplb.example.toml");
  bool second_backend = false;
  for (std::string line; std::getline(in, line);) {
    second_backend = second_backend || line.find("\"vpn2\"") != std::string::npos;
    if (second_backend || line.empty() || line.front() == '#' || line.front() == '[') continue;
    EXPECT_NE(line.find("  # "), std::string::npos) << line;
    EXPECT_LE(line.size(), 100u) << line;
  }
}

// "listener.*.tcp.mss" stands in the table under "`[listener.NAME.tcp]`" or a heading with it.
TEST(Deploy, TheReferenceDescribesEveryKey) {
  const std::string text = ReadWhole("docs/configuration.md");
  for (const std::string& key : KnownKeys()) {
    const std::string name = key.substr(key.rfind('.') + 1);
    std::string section = key.substr(0, key.rfind('.'));
    const auto star = section.find('*');
    if (star != std::string::npos) section.replace(star, 1, "NAME");
    if (section.ends_with(".tcp")) section = "listener.NAME.tcp";  // described once
    const auto heading = text.find("\n## `[" + section + "]`");
    const auto list_heading = text.find("\n## `[[" + section + "]]`");
    const auto begin = std::min(heading, list_heading);
    ASSERT_NE(begin, std::string::npos) << "no section for " << section;
    const std::string body = text.substr(begin, text.find("\n## ", begin + 1) - begin);
    EXPECT_NE(body.find("| `" + name + "` |"), std::string::npos) << key;
  }
}

TEST(Deploy, TheReferenceListsEveryFindingAsTheCodeHasIt) {
  const std::string text = ReadWhole("docs/lint.md");
  std::size_t rows = 0;
  for (auto at = text.find("\n| `"); at != std::string::npos; at = text.find("\n| `", at + 1))
    ++rows;
  EXPECT_EQ(rows, AllFindings().size());
  for (const FindingInfo& info : AllFindings()) {
    const std::string error = info.source == FindingSource::kHostError ? "*error*: " : "";
    const std::string row = "\n| `" + std::string(info.name) + "` | " + error +
                            std::string(info.what) + " | " + std::string(info.remedy) + " |\n";
    EXPECT_NE(text.find(row), std::string::npos) << "docs/lint.md lacks" << row;
  }
}

TEST(Deploy, EveryFindingOfTheListIsFoundSomewhere) {
  std::string sources;
  for (const char* file :
       {"lb/config/lint.cc", "lb/config/lint_pool.cc", "lb/config/lint_farm.cc",
        "lb/config/host_check.cc", "lb/config/reach.cc", "lb/daemon/farm_judge.cc"}) {
    sources += ReadWhole(file);
  }
  for (const FindingInfo& info : AllFindings()) {
    EXPECT_NE(sources.find("\"" + std::string(info.name) + "\""), std::string::npos) << info.name;
  }
}

TEST(Deploy, TheServiceStopsLaterThanTheGraceTime) {
  const std::string unit = ReadWhole("deploy/sstplb.service");
  const std::string key = "\nTimeoutStopSec=";
  const auto at = unit.find(key);
  ASSERT_NE(at, std::string::npos);
  EXPECT_GT(seconds(std::stoi(unit.substr(at + key.size()))), Global{}.shutdown_grace);
}

TEST(Deploy, EverySysctlHasItsReason) {
  std::ifstream in(SSTPLB_SOURCE_DIR "/deploy/sysctl.d/90-sstplb.conf");
  bool reason = false;
  int settings = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      reason = false;
    } else if (line.front() == '#') {
      reason = true;
    } else {
      EXPECT_TRUE(reason) << line;
      EXPECT_NE(line.find(" = "), std::string::npos) << line;
      ++settings;
    }
  }
  EXPECT_GT(settings, 5);
}

}  // namespace
}  // namespace sstplb::config
