// `sstplb load` on the command line: what its options come to, and what it refuses.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/load_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "lb/cli/cli.h"

namespace sstplb::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LoadCommandTest : public ::testing::Test {
 protected:
  LoadCommandTest() {
    entry_.load = [this](const LoadOptions& options, load::Watcher&) {
      called_ = options;
      return 44;
    };
    std::string name = (std::filesystem::temp_directory_path() / "sstplb-load-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~LoadCommandTest() override { std::filesystem::remove_all(folder_); }

  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "load");
    std::ostringstream out;
    std::ostringstream err;
    Console console{.out = out, .err = err};
    const int code = Main(arguments, entry_, console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::string File(const std::string& text) {
    const std::string path = folder_ / "password";
    std::ofstream(path) << text;
    return path;
  }

  Entry entry_;
  std::optional<LoadOptions> called_;
  std::string out_;
  std::string err_;
  std::filesystem::path folder_;
};

TEST_F(LoadCommandTest, WithoutOptionsItIsGentle) {
  ASSERT_EQ(Run({"vpn.example:443"}), 44) << err_;
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(called_->target.ToString(), "vpn.example:443");
  const load::Options& load = called_->load;
  EXPECT_EQ(load.target, "vpn.example:443");
  EXPECT_EQ(load.tunnels, 10u);
  EXPECT_EQ(load.start_every, 100ms);
  EXPECT_EQ(load.hold, 10s);
  EXPECT_EQ(load.depth, load::Depth::kCall);
  EXPECT_EQ(load.payload, 0u);
  EXPECT_EQ(load.churn_every, 0s);
  EXPECT_EQ(load.sni, "vpn.example");
  EXPECT_EQ(load.host, "vpn.example");
  EXPECT_THAT(load.sources, IsEmpty());
  EXPECT_EQ(load.tls, std::nullopt);
  EXPECT_EQ(load.timeout, 10s);
  EXPECT_EQ(load.workers, 1u);
}

TEST_F(LoadCommandTest, EveryOptionArrives) {
  const std::string password = File("two words\r\nnot this\n");
  ASSERT_EQ(Run({"10.0.0.1:4443",
                 "--tunnels",
                 "5000",
                 "--rate",
                 "30/m",
                 "--hold",
                 "1h",
                 "--depth",
                 "ppp",
                 "--payload",
                 "100KiB/s",
                 "--churn",
                 "0.5/s",
                 "--sni",
                 "a.example",
                 "--host",
                 "b.example",
                 "--user",
                 "me",
                 "--password-file",
                 password,
                 "--source",
                 "127.0.0.2,127.0.0.3",
                 "--source",
                 "127.0.0.4",
                 "--tls",
                 "1.2",
                 "--timeout",
                 "3s",
                 "--workers",
                 "4"}),
            44)
      << err_;
  const load::Options& load = called_->load;
  EXPECT_EQ(load.tunnels, 5000u);
  EXPECT_EQ(load.start_every, 2s);
  EXPECT_EQ(load.hold, 1h);
  EXPECT_EQ(load.depth, load::Depth::kPpp);
  EXPECT_EQ(load.payload, 102400u);
  EXPECT_EQ(load.churn_every, 2s);
  EXPECT_EQ(load.sni, "a.example");
  EXPECT_EQ(load.host, "b.example");
  EXPECT_EQ(load.user, "me");
  EXPECT_EQ(load.password, "two words");
  ASSERT_EQ(load.sources.size(), 3u);
  EXPECT_EQ(load.sources[2].ToString(), "127.0.0.4");
  EXPECT_EQ(load.tls, load::TlsVersion::k12);
  EXPECT_EQ(load.timeout, 3s);
  EXPECT_EQ(load.workers, 4u);
}

TEST_F(LoadCommandTest, ARampIsSpreadOverTheTunnels) {
  ASSERT_EQ(Run({"a:443", "--tunnels", "60", "--ramp", "30s"}), 44);
  EXPECT_EQ(called_->load.start_every, 500ms);
  ASSERT_EQ(Run({"a:443", "--ramp", "0s"}), 44);
  EXPECT_EQ(called_->load.start_every, 0s);
}

TEST_F(LoadCommandTest, AnAddressIsNoServerName) {
  ASSERT_EQ(Run({"[2001:db8::1]:443"}), 44);
  EXPECT_EQ(called_->load.sni, "");
  EXPECT_EQ(called_->load.host, "2001:db8::1");
}

TEST_F(LoadCommandTest, AHoldThatServersCutShortIsTold) {
  ASSERT_EQ(Run({"a:443", "--hold", "30s"}), 44);
  EXPECT_THAT(err_, HasSubstr("--depth ppp"));
  ASSERT_EQ(Run({"a:443", "--hold", "30s", "--depth", "ppp", "--user", "u", "--password-file",
                 File("p\n")}),
            44);
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(LoadCommandTest, WhatMakesNoSenseIsBadUsage) {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const std::string empty = File("");
  const Case cases[] = {
      {{}, "server is required"},
      {{"host"}, "no HOST:PORT"},
      {{"a:443", "--tunnels", "0"}, "--tunnels"},
      {{"a:443", "--rate", "50"}, "no rate"},
      {{"a:443", "--rate", "0/s"}, "no rate"},
      {{"a:443", "--rate", "5/h"}, "no rate"},
      {{"a:443", "--rate", "-5/s"}, "no rate"},
      {{"a:443", "--churn", "nan/s"}, "no rate"},
      {{"a:443", "--rate", "5/s", "--ramp", "3s"}, "excludes"},
      {{"a:443", "--hold", "10"}, "no duration"},
      {{"a:443", "--depth", "deep"}, "none of: tls, post, call, ppp"},
      {{"a:443", "--payload", "100KiB"}, "no payload"},
      {{"a:443", "--payload", "1B/s"}, "no payload"},
      {{"a:443", "--payload", "1KiB/s", "--depth", "post"}, "--payload needs a call"},
      {{"a:443", "--depth", "ppp"}, "--user and --password-file"},
      {{"a:443", "--user", "me"}, "--user is for --depth ppp"},
      {{"a:443", "--depth", "ppp", "--user", "me", "--password-file", "/none"}, "/none"},
      {{"a:443", "--depth", "ppp", "--user", "me", "--password-file", empty}, "no password"},
      {{"a:443", "--source", "example"}, "no IP address"},
      {{"a:443", "--tls", "1.1"}, "none of: 1.2, 1.3"},
      {{"a:443", "--timeout", "0s"}, "--timeout"},
      {{"a:443", "--host", "a\r\nb"}, "line break"},
      {{"a:443", "--workers", "0"}, "--workers"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.says);
    EXPECT_EQ(Run(row.arguments), kBadUsage);
    EXPECT_THAT(err_, HasSubstr(row.says));
    EXPECT_FALSE(called_.has_value());
  }
}

TEST_F(LoadCommandTest, HelpSaysWhomItIsFor) {
  EXPECT_EQ(Run({"--help"}), kDone);
  EXPECT_THAT(out_, HasSubstr("only at servers that you are responsible for"));
}

}  // namespace
}  // namespace sstplb::cli
