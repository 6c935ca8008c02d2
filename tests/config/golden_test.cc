// Golden configurations: every file in tests/vectors/config/good is read without a word; every file
// in bad says itself, in lines that begin with "#= ", what must be said about it.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lb/config/read.h"

namespace sstplb::config {
namespace {

using testing::ElementsAreArray;

std::vector<std::filesystem::path> Files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(SSTPLB_TEST_VECTORS "/config/" + folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> Expected(const std::filesystem::path& path) {
  std::vector<std::string> expected;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#= ")) expected.push_back(line.substr(3));
  }
  return expected;
}

// What is said about a file, without the file's name.
std::vector<std::string> Said(const std::filesystem::path& path) {
  const auto config = ReadFile(path.string());
  std::vector<std::string> said;
  if (config) return said;
  for (const Diagnostic& diagnostic : config.error()) {
    const std::string text = diagnostic.ToString();
    EXPECT_TRUE(text.starts_with(path.string() + ":")) << text;
    const auto start = text.find_first_not_of(": ", path.string().size());
    said.push_back(text.substr(start));
  }
  return said;
}

TEST(Golden, GoodFilesAreReadWithoutAWord) {
  const auto files = Files("good");
  ASSERT_GE(files.size(), 3u);
  for (const auto& file : files) EXPECT_THAT(Said(file), testing::IsEmpty()) << file;
}

TEST(Golden, BadFilesSayEverythingThatIsWrong) {
  const auto files = Files("bad");
  ASSERT_GE(files.size(), 10u);
  for (const auto& file : files) {
    const auto expected = Expected(file);
    EXPECT_FALSE(expected.empty()) << file;
    const auto said = Said(file);
    EXPECT_THAT(said, ElementsAreArray(expected)) << file << " says\n#= " << [&] {
      std::string all;
      for (const std::string& line : said) all += (all.empty() ? "" : "\n#= ") + line;
      return all;
    }();
  }
}

}  // namespace
}  // namespace sstplb::config
