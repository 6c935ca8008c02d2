// Host facts: what is gathered from the host that the test runs on.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/host_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace sstplb::config {
namespace {

class HostFactsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "sstplb-facts-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    ::unlink((folder_ + "/token").c_str());
    ::rmdir(folder_.c_str());
  }

  std::string folder_;
};

TEST_F(HostFactsTest, SeesFilesAndFolders) {
  std::ofstream(folder_ + "/token") << "secret";
  ASSERT_EQ(::chmod((folder_ + "/token").c_str(), 0604), 0);
  Config config;
  config.admin.http_token_file = folder_ + "/token";
  config.global.state_file = folder_ + "/state";
  config.pools.emplace_back().probe.ca_file = folder_ + "/absent";
  const HostFacts facts = GatherHostFacts(config);
  const FileFact& token = facts.files.at(folder_ + "/token");
  EXPECT_TRUE(token.exists && token.readable && token.writable && token.others_read);
  EXPECT_FALSE(token.is_folder || token.executable);
  const FileFact& folder = facts.files.at(folder_);
  EXPECT_TRUE(folder.exists && folder.is_folder && folder.writable);
  EXPECT_FALSE(facts.files.at(folder_ + "/absent").exists);
}

TEST_F(HostFactsTest, SeesFilesAsTheUserThatTheDaemonBecomes) {
  std::ofstream(folder_ + "/token") << "secret";
  ASSERT_EQ(::chmod((folder_ + "/token").c_str(), 0600), 0);
  Config config;
  config.global.user = "nobody";
  config.admin.http_token_file = folder_ + "/token";
  const HostFacts facts = GatherHostFacts(config);
  EXPECT_THAT(facts.users, testing::ElementsAre("nobody"));
  EXPECT_FALSE(facts.files.at(folder_ + "/token").readable);
  config.global.user = "no-such-user-here";
  EXPECT_THAT(GatherHostFacts(config).users, testing::IsEmpty());
}

TEST_F(HostFactsTest, AsksTheKernelForRoutes) {
  Config config;
  Pool& pool = config.pools.emplace_back();
  pool.name = "main";
  const auto add = [&](const char* address) {
    pool.backends.push_back({.name = address, .address = *HostPort::Parse(address)});
  };
  add("127.0.0.1:9");
  add("127.255.255.255:9");  // lo's broadcast address
  add("name.invalid:9");
  NoRoutes found = GatherHostFacts(config).no_route;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.begin()->first.second, *IpAddress::Parse("127.255.255.255"));
  EXPECT_THAT(found.begin()->second.error, testing::HasSubstr("broadcast"));
  // From a loopback address nothing outside can be reached; from one of no host nothing is known.
  pool.backends.clear();
  add("192.0.2.77:9");
  pool.source = {*IpAddress::Parse("127.0.0.5")};
  found = GatherHostFacts(config).no_route;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.begin()->second.source, pool.source.front());
  EXPECT_FALSE(found.begin()->second.error.empty());
  pool.source = {*IpAddress::Parse("198.51.100.77")};
  EXPECT_THAT(GatherHostFacts(config).no_route, testing::IsEmpty());
}

TEST_F(HostFactsTest, SeesTheSystem) {
  const HostFacts facts = GatherHostFacts(Config{});
  EXPECT_GT(facts.open_files_hard, 0u);
  EXPECT_GT(facts.cpus, 0u);
  EXPECT_EQ(facts.root, ::geteuid() == 0);
  EXPECT_EQ(facts.local_addresses.count(*IpAddress::Parse("127.0.0.1")), 1u);
  ASSERT_TRUE(facts.somaxconn && facts.first_local_port && facts.last_local_port);
  EXPECT_GT(*facts.somaxconn, 0u);
  EXPECT_LT(*facts.first_local_port, *facts.last_local_port);
  EXPECT_FALSE(facts.congestion_algorithms.empty());
}

TEST(FolderOf, IsTheWayTheShellSeesIt) {
  EXPECT_EQ(FolderOf("/a/b"), "/a");
  EXPECT_EQ(FolderOf("/a"), "/");
  EXPECT_EQ(FolderOf("a"), ".");
  EXPECT_EQ(FolderOf("a/b/c"), "a/b");
}

}  // namespace
}  // namespace sstplb::config
