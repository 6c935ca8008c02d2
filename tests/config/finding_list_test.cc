// Findings that are silenced: by name, by name and place, and never an error.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/finding_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "lb/config/read.h"

namespace sstplb::config {
namespace {

Findings Some() {
  return {{Severity::kWarning, "single_backend", "pool.lab", "a", "b"},
          {Severity::kWarning, "single_backend", "pool.lab2", "a", "b"},
          {Severity::kWarning, "nodelay_off", "pool.lab.tcp.nodelay", "a", "b"},
          {Severity::kError, "no_ipv6", "listener.vpn.bind", "a", "b"}};
}

TEST(FindingList, NamesAreUniqueAndSaySomething) {
  std::set<std::string_view> names;
  for (const FindingInfo& info : AllFindings()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.what.empty() || info.remedy.empty()) << info.name;
    EXPECT_FALSE(info.what.ends_with(".") || info.remedy.ends_with(".")) << info.name;
  }
  EXPECT_EQ(FindFindingInfo("nothing"), nullptr);
}

TEST(FindingList, SilencesByNameAndPlace) {
  struct Case {
    std::vector<std::string> entries;
    std::size_t silenced;
  };
  const std::vector<Case> cases = {
      {{}, 0},
      {{"single_backend"}, 2},
      {{"single_backend:pool.lab"}, 1},
      {{"single_backend:pool"}, 2},
      {{"single_backend:pool.la"}, 0},
      {{"nodelay_off:pool.lab"}, 1},
      {{"nodelay_off:pool.lab.tcp.nodelay"}, 1},
      {{"nodelay_off:pool.lab", "single_backend"}, 3},
      {{"no_ipv6"}, 0},
  };
  for (const Case& c : cases) {
    Findings findings = Some();
    EXPECT_EQ(Silence(findings, c.entries).size(), c.silenced) << testing::PrintToString(c.entries);
    EXPECT_EQ(findings.size(), Some().size() - c.silenced);
    EXPECT_EQ(findings.back().name, "no_ipv6");
  }
}

TEST(FindingList, AnEntryMustNameAWarning) {
  EXPECT_EQ(IgnoreProblem("single_backend"), std::nullopt);
  EXPECT_EQ(IgnoreProblem("single_backend:pool.lab"), std::nullopt);
  EXPECT_NE(IgnoreProblem("single_backends"), std::nullopt);
  EXPECT_NE(IgnoreProblem("single_backend:"), std::nullopt);
  EXPECT_NE(IgnoreProblem("no_ipv6"), std::nullopt);
}

TEST(FindingList, TheConfigurationNamesThem) {
  const auto text = [](const std::string& entry) {
    return "[global]\nignore_findings = [\"" + entry +
           "\"]\n[listener.vpn]\nbind = [\"0.0.0.0:443\"]\npool = \"main\"\n[pool.main]\n";
  };
  const auto good = ReadText(text("empty_pool:pool.main"), "t.toml");
  ASSERT_TRUE(good);
  EXPECT_THAT(good->global.ignore_findings, testing::ElementsAre("empty_pool:pool.main"));
  const auto bad = ReadText(text("empty_pools"), "t.toml");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().front().ToString(),
              testing::HasSubstr("global.ignore_findings: \"empty_pools\" names no finding"));
}

}  // namespace
}  // namespace sstplb::config
