// SPDX-License-Identifier: Apache-2.0
#include "lb/load/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::load {
namespace {

using ::testing::HasSubstr;

std::string Problem(const Options& options, const HostLimits& limits) {
  const Status status = CheckLimits(options, limits);
  return status.ok() ? "" : status.error().message;
}

TEST(Limits, AreReadFromThisHost) {
  const HostLimits limits = ReadHostLimits();
  EXPECT_GE(limits.open_files, 64u);
  EXPECT_GE(limits.local_ports, 1u);
}

TEST(Limits, WhatFitsIsFine) {
  Options options;
  options.tunnels = 5000;
  options.workers = 4;
  EXPECT_EQ(Problem(options, {8192, 28232}), "");
}

TEST(Limits, TooFewOpenFilesNameTheNumberAndTheLimit) {
  Options options;
  options.tunnels = 1000;
  const std::string problem = Problem(options, {1024, 28232});
  EXPECT_THAT(problem, HasSubstr("1040 open files"));
  EXPECT_THAT(problem, HasSubstr("1024 are allowed"));
  EXPECT_THAT(problem, HasSubstr("ulimit"));
}

TEST(Limits, ExchangedTunnelsCountAsLongAsTheyLast) {
  Options options;
  options.tunnels = 900;
  options.churn_every = std::chrono::milliseconds(10);
  EXPECT_THAT(Problem(options, {1024, 28232}), HasSubstr("open files"));
  options.hold = std::chrono::milliseconds(100);  // there are only ten of them
  EXPECT_EQ(Problem(options, {1024, 28232}), "");
}

TEST(Limits, MoreSourcesGiveMorePorts) {
  Options options;
  options.tunnels = 30000;
  EXPECT_THAT(Problem(options, {100000, 28232}), HasSubstr("--source"));
  options.sources.assign(2, IpAddress());
  EXPECT_EQ(Problem(options, {100000, 28232}), "");
}

TEST(Limits, SourcesMustBeThisHosts) {
  Options options;
  options.server = *SocketAddress::Parse("127.0.0.1:443");
  options.sources = {*IpAddress::Parse("127.0.0.9"), *IpAddress::Parse("127.8.9.1")};
  EXPECT_TRUE(CheckSources(options).ok());
  options.sources.push_back(*IpAddress::Parse("192.0.2.1"));
  const Status foreign = CheckSources(options);
  ASSERT_FALSE(foreign.ok());
  EXPECT_THAT(foreign.error().message, HasSubstr("192.0.2.1"));
  options.sources = {*IpAddress::Parse("::1")};
  const Status family = CheckSources(options);
  ASSERT_FALSE(family.ok());
  EXPECT_THAT(family.error().message, HasSubstr("IPv6"));
}

}  // namespace
}  // namespace sstplb::load
