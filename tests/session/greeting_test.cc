// What a client says first, however it is cut: PROXY header, hello, and what is neither.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/greeting.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "proxyproto/encode.h"

namespace sstplb::session {
namespace {

using State = Greeting::State;

Bytes Hello(const std::string& name) {
  const auto folder = std::filesystem::path(SSTPLB_TEST_VECTORS) / "hello";
  std::ifstream in(folder / (name + ".bin"), std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes Header() {
  Bytes out;
  proxyproto::EncodeV2(*SocketAddress::Parse("203.0.113.9:40000"),
                       *SocketAddress::Parse("192.0.2.1:443"), {}, out);
  return out;
}

constexpr std::size_t kMax = 64 * 1024;

TEST(Greeting, IsDoneWithTheLastByteOfAHelloAndNotBefore) {
  const Bytes hello = Hello("ossl-default");
  Greeting greeting(kMax, /*expect_proxy=*/false);
  for (std::size_t i = 0; i + 1 < hello.size(); ++i) {
    ASSERT_EQ(greeting.Feed(ByteView(hello).subspan(i, 1)), State::kHello) << i;
    ASSERT_GT(greeting.wanted(), 0u);
  }
  EXPECT_EQ(greeting.Feed(ByteView(hello).last(1)), State::kDone);
  EXPECT_EQ(greeting.kind(), HelloKind::kSni);
  EXPECT_TRUE(std::ranges::equal(greeting.bytes(), hello));
}

TEST(Greeting, StopsBetweenAHeaderAndTheHelloSoThatTheClientCanBeJudged) {
  Bytes all = Header();
  const Bytes hello = Hello("ossl-default");
  all.insert(all.end(), hello.begin(), hello.end());
  Greeting greeting(kMax, /*expect_proxy=*/true);
  EXPECT_EQ(greeting.Feed(all), State::kHello);
  ASSERT_TRUE(greeting.header());
  EXPECT_EQ(greeting.header()->source->ToString(), "203.0.113.9:40000");
  EXPECT_EQ(greeting.Continue(), State::kDone);
  EXPECT_TRUE(std::ranges::equal(greeting.bytes(), hello)) << "the header is not the client's";
}

TEST(Greeting, AHeaderThatIsDueAndDoesNotComeIsBad) {
  Greeting greeting(kMax, /*expect_proxy=*/true);
  EXPECT_EQ(greeting.Feed(Hello("ossl-default")), State::kBadHeader);
  EXPECT_FALSE(greeting.why().empty());
}

TEST(Greeting, AHeaderThatIsNotDueIsNoTls) {
  Greeting greeting(kMax, /*expect_proxy=*/false);
  EXPECT_EQ(greeting.Feed(Header()), State::kDone);
  EXPECT_EQ(greeting.kind(), HelloKind::kNotTls);
}

TEST(Greeting, AHelloOverTheLimitIsTooLargeAndNoMoreIsReadThanThat) {
  const Bytes hello = Hello("large-40000-3rec");
  Greeting greeting(4096, /*expect_proxy=*/false);
  std::size_t fed = 0;
  while (greeting.state() == State::kHello) {
    const std::size_t take = std::min(greeting.wanted(), hello.size() - fed);
    ASSERT_GT(take, 0u);
    greeting.Feed(ByteView(hello).subspan(fed, take));
    fed += take;
    ASSERT_LE(fed, 2u * 4096u + 1u);
  }
  EXPECT_EQ(greeting.kind(), HelloKind::kTooLarge);
}

TEST(Greeting, AMalformedHelloHasNoNameButAReason) {
  Greeting greeting(kMax, /*expect_proxy=*/false);
  EXPECT_EQ(greeting.Feed(Hello("dupsni-diff-chr")), State::kDone);
  EXPECT_EQ(greeting.kind(), HelloKind::kMalformed);
  EXPECT_FALSE(greeting.why().empty());
}

}  // namespace
}  // namespace sstplb::session
