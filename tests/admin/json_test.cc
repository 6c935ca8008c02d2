// JSON of requests: what is taken, and that what is wrong is named.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::admin {
namespace {

using ::testing::HasSubstr;

TEST(ParseNewBackendTest, TakesAll) {
  const auto parsed =
      ParseNewBackend(R"({"pool":"main","name":"vpn4","address":"[2001:db8::4]:443","weight":50,)"
                      R"("max_sessions":1000,"admin":"disabled"})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->pool, "main");
  EXPECT_EQ(parsed->backend.name, "vpn4");
  EXPECT_EQ(parsed->backend.address.ToString(), "[2001:db8::4]:443");
  EXPECT_EQ(parsed->backend.weight, 50u);
  EXPECT_EQ(parsed->backend.max_sessions, 1000u);
  EXPECT_EQ(parsed->backend.admin, config::AdminState::kDisabled);
}

TEST(ParseNewBackendTest, HasTheDefaultsOfTheConfiguration) {
  const auto parsed = ParseNewBackend(R"({"pool":"main","name":"vpn4","address":"a:443"})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->backend.weight, config::Backend{}.weight);
  EXPECT_EQ(parsed->backend.admin, config::AdminState::kActive);
}

TEST(ParseNewBackendTest, NamesWhatIsWrong) {
  const std::string good = R"("pool":"main","name":"vpn4","address":"a:443")";
  const struct {
    std::string body;
    std::string field;
  } kCases[] = {
      {"", "pool"},
      {"null", ""},
      {"[]", ""},
      {"{", ""},
      {"{" + good + "} x", ""},
      {std::string(60000, '['), ""},
      {R"({"name":"vpn4","address":"a:443"})", "pool"},
      {R"({"pool":"main","name":"a/b","address":"a:443"})", "name"},
      {R"({"pool":"main","name":"vpn4","address":"a"})", "address"},
      {R"({"pool":"main","name":"vpn4","address":443})", "address"},
      {"{" + good + R"(,"weight":-1})", "weight"},
      {"{" + good + R"(,"weight":1.5})", "weight"},
      {"{" + good + R"(,"weight":"9"})", "weight"},
      {"{" + good + R"(,"weight":10001})", "weight"},
      {"{" + good + R"(,"weight":1e400})", ""},
      {"{" + good + R"(,"max_sessions":99999999999})", "max_sessions"},
      {"{" + good + R"(,"admin":"paused"})", "admin"},
      {"{" + good + R"(,"wieght":1})", "wieght"},
  };
  for (const auto& c : kCases) {
    const auto parsed = ParseNewBackend(c.body);
    ASSERT_FALSE(parsed.ok()) << c.body.substr(0, 100);
    EXPECT_EQ(parsed.error().code, control::FailureCode::kInvalid);
    EXPECT_EQ(parsed.error().field, c.field) << c.body.substr(0, 100);
    EXPECT_FALSE(parsed.error().message.empty());
  }
}

TEST(ParseBackendChangeTest, WantsSomethingToChange) {
  EXPECT_FALSE(ParseBackendChange("{}").ok());
  const auto parsed = ParseBackendChange(R"({"weight":0})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->weight, 0u);
  EXPECT_FALSE(parsed->admin.has_value());
}

TEST(ParseDrainTest, TakesSeconds) {
  EXPECT_EQ(ParseDrain("").value().within, std::nullopt);
  EXPECT_EQ(ParseDrain(R"({"within_seconds":null})").value().within, std::nullopt);
  EXPECT_EQ(ParseDrain(R"({"within_seconds":1.5})").value().within,
            std::chrono::milliseconds(1500));
  const auto wish =
      ParseDrain(R"({"pace_per_second":2.5,"idle_first":true,"at":"2026-11-22T23:00:00.5+01:00"})");
  ASSERT_TRUE(wish.ok());
  EXPECT_EQ(wish->pace, 2.5);
  EXPECT_TRUE(wish->idle_first);
  EXPECT_EQ(FormatWallTime(*wish->at), "2026-11-22T22:00:00.500Z");
  EXPECT_FALSE(ParseDrain(R"({"pace_per_second":0})").ok());
  EXPECT_FALSE(ParseDrain(R"({"pace_per_second":"5/s"})").ok());
  EXPECT_FALSE(ParseDrain(R"({"idle_first":1})").ok());
  EXPECT_FALSE(ParseDrain(R"({"at":"22:00"})").ok());
  EXPECT_FALSE(ParseDrain(R"({"at":"2026-02-31T00:00:00Z"})").ok());
  EXPECT_FALSE(ParseDrain(R"({"within_seconds":-1})").ok());
  EXPECT_FALSE(ParseDrain(R"({"within_seconds":"30m"})").ok());
  EXPECT_FALSE(ParseDrain(R"({"within_seconds":1e300})").ok());
}

TEST(ToJsonTest, HistoryIsOldestFirst) {
  control::BackendStatus b;
  b.probe.history = 0b0111;
  b.probe.history_size = 5;
  EXPECT_THAT(ToJson(b), HasSubstr(R"("history":"00111")"));
}

TEST(ToJsonTest, BytesThatAreNoTextAreReplaced) {
  session::SessionStatus s;
  s.sni = "a\xff\"b";
  EXPECT_THAT(ToJson(s), HasSubstr("\"sni\":\"a\xef\xbf\xbd\\\"b\""));
}

TEST(ToJsonTest, IdsAreTextThatADoubleCannotBend) {
  session::SessionStatus s;
  s.id = 0xfedcba9876543211;
  EXPECT_THAT(ToJson(s), HasSubstr(R"("id":"fedcba9876543211")"));
}

}  // namespace
}  // namespace sstplb::admin
