// Values: what every rule takes and refuses, and that a printed value reads back as itself.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/config/values.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lb/config/schema.h"

namespace sstplb::config {
namespace {

// The value of `text` under `rule`, printed; what was complained about when it is refused.
template <class T, class Rule>
std::string Read(const Rule& rule, const std::string& text) {
  const auto document = ParseDocument("key = " + text, "test");
  if (!document) return "no TOML: " + document.error().message;
  Complaints complaints("test");
  T value{};
  const bool good =
      ReadValue(Complain{complaints, "key"}, document->members.front().value, rule, value);
  EXPECT_EQ(good, complaints.empty()) << text;
  return good ? Print(rule, value) : "refused: " + complaints.Sorted().front().message;
}

struct Case {
  std::string text;
  std::string printed;  // "": refused
};

template <class T, class Rule>
void Check(const Rule& rule, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const std::string printed = Read<T>(rule, c.text);
    if (c.printed.empty()) {
      EXPECT_TRUE(printed.starts_with("refused: ")) << c.text << " gave " << printed;
    } else {
      EXPECT_EQ(printed, c.printed) << c.text;
      EXPECT_EQ(Read<T>(rule, printed), printed) << "does not read back as itself";
    }
  }
}

TEST(Values, Flag) { Check<bool>(FlagRule{}, {{"true", "true"}, {"\"yes\"", ""}, {"1", ""}}); }

TEST(Values, Count) {
  Check<std::uint32_t>(CountRule{2, 9}, {{"2", "2"},
                                         {"9", "9"},
                                         {"1", ""},
                                         {"10", ""},
                                         {"0", ""},
                                         {"-3", ""},
                                         {"3.0", ""},
                                         {"\"3\"", ""},
                                         {"9223372036854775807", ""}});
  Check<std::uint32_t>(CountRule{2, 9, true}, {{"0", "0"}, {"1", ""}});
}

TEST(Values, Real) {
  Check<double>(RealRule{1, 100, true}, {{"1.25", "1.25"},
                                         {"1", "1"},
                                         {"0", "0"},
                                         {"-0.0", "0"},
                                         {"1e1", "10"},
                                         {"0.99", ""},
                                         {"100.01", ""},
                                         {"nan", ""},
                                         {"inf", ""},
                                         {"\"1\"", ""}});
}

TEST(Values, Span) {
  Check<Duration>(SpanRule{seconds(1), hours(2), true}, {{"\"30s\"", "\"30s\""},
                                                         {"\"90s\"", "\"1m30s\""},
                                                         {"\"1.5s\"", "\"1s500ms\""},
                                                         {"\"0s\"", "\"0s\""},
                                                         {"\"999ms\"", ""},
                                                         {"\"3h\"", ""},
                                                         {"30", ""},
                                                         {"\"30\"", ""},
                                                         {"\"-1s\"", ""},
                                                         {"\"\"", ""}});
}

TEST(Values, Size) {
  Check<std::uint64_t>(SizeRule{512, 1 << 20}, {{"\"64KiB\"", "\"64KiB\""},
                                                {"65536", "\"64KiB\""},
                                                {"1000", "\"1kB\""},
                                                {"513", "513"},
                                                {"\"513\"", "513"},
                                                {"511", ""},
                                                {"0", ""},
                                                {"-1", ""},
                                                {"\"2MiB\"", ""},
                                                {"\"64 KiB\"", ""}});
}

TEST(Values, Text) {
  Check<std::string>(TextRule{"a path", PathProblem}, {{"\"/a b\"", "\"/a b\""},
                                                       {"'C:\\x'", "\"C:\\\\x\""},
                                                       {"\"\"", "\"\""},
                                                       {"\"a\\u0000b\"", ""},
                                                       {"\"a\\nb\"", ""},
                                                       {"7", ""}});
  Check<std::string>(TextRule{"a name", nullptr, false}, {{"\"\"", ""}, {"\"x\"", "\"x\""}});
  Check<std::string>(TextRule{"a name", RouteNameProblem},
                     {{"\"VPN.Example\"", "\"vpn.example\""}, {"\"vpn.example:443\"", ""}});
  Check<std::string>(
      TextRule{"a target", TargetProblem},
      {{"\"stderr\"", "\"stderr\""}, {"\"./log\"", "\"./log\""}, {"\"stdout\"", ""}});
}

TEST(Values, Word) {
  Check<Balance>(
      WordRule{"policy"},
      {{"\"round-robin\"", "\"round-robin\""}, {"\"rr\"", ""}, {"\"Round-Robin\"", ""}, {"3", ""}});
  EXPECT_EQ(Read<Balance>(WordRule{"policy"}, "\"rr\""),
            "refused: unknown policy \"rr\" (one of: consistent-hash, source-ip, least-sessions, "
            "round-robin)");
}

TEST(Values, Addresses) {
  Check<SocketAddress>(AddressRule{}, {{"\"0.0.0.0:443\"", "\"0.0.0.0:443\""},
                                       {"\"[::]:0\"", "\"[::]:0\""},
                                       {"\"localhost:443\"", ""},
                                       {"\":443\"", ""},
                                       {"\"10.0.0.1\"", ""},
                                       {"\"10.0.0.1:65536\"", ""}});
  Check<HostPort>(HostPortRule{}, {{"\"vpn1.example.com:443\"", "\"vpn1.example.com:443\""},
                                   {"\"[2001:db8::1]:443\"", "\"[2001:db8::1]:443\""},
                                   {"\"vpn1:0\"", ""},
                                   {"\"vpn1\"", ""},
                                   {"\"2001:db8::1:443\"", ""}});
  Check<IpAddress>(IpRule{}, {{"\"10.0.0.5\"", "\"10.0.0.5\""},
                              {"\"2001:db8::5\"", "\"2001:db8::5\""},
                              {"\"0.0.0.0\"", ""},
                              {"\"10.0.0.5:0\"", ""}});
  Check<Cidr>(BlockRule{}, {{"\"10.0.0.0/8\"", "\"10.0.0.0/8\""},
                            {"\"10.0.0.1\"", "\"10.0.0.1\""},
                            {"\"::/0\"", "\"::/0\""},
                            {"\"10.0.0.0/33\"", ""},
                            {"\"any\"", ""}});
  Check<std::optional<SocketAddress>>(OptionalRule<AddressRule>{},
                                      {{"\"\"", "\"\""}, {"\"1.2.3.4:5\"", "\"1.2.3.4:5\""}});
}

TEST(Values, Mode) {
  Check<std::uint32_t>(OctalRule{}, {{"\"0660\"", "\"0660\""},
                                     {"\"600\"", "\"0600\""},
                                     {"\"0\"", "\"0000\""},
                                     {"\"0888\"", ""},
                                     {"\"1777\"", ""},
                                     {"\"\"", ""},
                                     {"660", ""},
                                     {"0o660", ""}});
}

TEST(Values, ARateHasTheBoundOfItsKey) {
  Check<Rate>(RateRule{10}, {{"\"10/s\"", "\"10/s burst 10\""}, {"\"10.1/s\"", ""}});
}

TEST(Values, Window) {
  Check<DayWindow>(WindowRule{}, {{"\"02:00-05:30\"", "\"02:00-05:30\""},
                                  {"\"22:00-06:00\"", "\"22:00-06:00\""},
                                  {"\"00:00-23:59\"", "\"00:00-23:59\""},
                                  {"\"02:00-02:00\"", ""},
                                  {"\"02:00-24:00\"", ""},
                                  {"\"2:00-5:00\"", ""},
                                  {"\"02:00\"", ""},
                                  {"\"02:00-\"", ""},
                                  {"\"02:00-05:00-06:00\"", ""},
                                  {"\"\"", ""},
                                  {"200", ""}});
}

TEST(Values, AWindowMayRunOverMidnight) {
  const DayWindow day{120, 300};
  EXPECT_FALSE(day.Contains(119));
  EXPECT_TRUE(day.Contains(120));
  EXPECT_TRUE(day.Contains(299));
  EXPECT_FALSE(day.Contains(300));
  const DayWindow night{1320, 360};
  EXPECT_FALSE(night.Contains(1319));
  EXPECT_TRUE(night.Contains(1320));
  EXPECT_TRUE(night.Contains(0));
  EXPECT_TRUE(night.Contains(359));
  EXPECT_FALSE(night.Contains(360));
}

TEST(Values, Rate) {
  Check<Rate>(RateRule{}, {{"\"20/s burst 50\"", "\"20/s burst 50\""},
                           {"\"20/s\"", "\"20/s burst 20\""},
                           {"\"300/m\"", "\"5/s burst 300\""},
                           {"\"7/m\"", "\"7/m burst 7\""},
                           {"\"0.5/s burst 1\"", "\"30/m burst 1\""},
                           {"\"0.5/s\"", ""},  // a burst below 1 would admit nobody
                           {"\"0/s\"", ""},
                           {"\"20\"", ""},
                           {"\"20/\"", ""},
                           {"\"60/h\"", "\"1/m burst 60\""},
                           {"\"100/h\"", "\"100/h burst 100\""},
                           {"\"3600/h\"", "\"1/s burst 3600\""},
                           {"\"20/d\"", ""},
                           {"\"20/s burst\"", ""},
                           {"\"20/s burst x\"", ""},
                           {"\"20/s  burst 5\"", ""},
                           {"\"20/s burst 5 \"", ""},
                           {"\"-1/s\"", ""},
                           {"\"inf/s\"", ""},
                           {"\"nan/s\"", ""},
                           {"\"1e3/s\"", ""},
                           {"20", ""}});
}

TEST(Values, List) {
  Check<std::vector<Cidr>>(ListRule<BlockRule>{},
                           {{"[]", "[]"},
                            {"[\"10.0.0.0/8\", \"::1\"]", "[\"10.0.0.0/8\", \"::1\"]"},
                            {"[\"10.0.0.1\", \"10.0.0.1/32\"]", ""},
                            {"[\"10.0.0.1\", 7]", ""},
                            {"\"10.0.0.1\"", ""}});
  Check<std::vector<SocketAddress>>(ListRule<AddressRule>{{}, true}, {{"[]", ""}});
}

}  // namespace
}  // namespace sstplb::config
