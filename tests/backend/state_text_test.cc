// The state text: every decision comes back, and whatever is not the whole of it is an error.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/backend/state_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/backend/state_sample.h"

namespace sstplb::backend {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string WithDecision(const std::string& decision, int version = 2) {
  return R"({"sstplb_state": )" + std::to_string(version) +
         R"(, "saved": "2026-11-22T05:04:54.123Z", "decisions": [)" + decision + "]}\n";
}

std::string WithAffinity(const std::string& affinity) {
  return R"({"sstplb_state": 2, "saved": "2026-11-22T05:04:54.123Z", "decisions": [],
             "affinity": )" +
         affinity + "}\n";
}

std::string WithClient(const std::string& client) {
  return WithAffinity(R"({"main": {"backends": ["vpn1"], "clients": [)" + client + "]}}");
}

std::string WithCertificate(const std::string& certificate) {
  return R"({"sstplb_state": 2, "saved": "2026-11-22T05:04:54.123Z", "decisions": [],
             "certificates": [)" +
         certificate + "]}\n";
}

std::string WithDrain(const std::string& member) {
  return WithDecision(
      R"({"pool": "main", "backend": "vpn1", "drain": {"since": "2026-11-22T05:04:54.123Z",
          "begins": "2026-11-22T05:04:54.123Z", )" +
      member + "}}");
}

TEST(StateText, EveryDecisionComesBack) {
  const State state = SampleState();
  const auto text = FormatState(state, SampleTime());
  ASSERT_TRUE(text.ok());
  const auto back = ParseState(*text);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, state);
}

TEST(StateText, AFileOfTheFirstVersionIsRead) {
  const std::string decision =
      R"({"pool": "main", "backend": "vpn1", "admin": "draining",
          "drain_deadline": "2026-11-22T05:34:54.123Z"})";
  const auto state = ParseState(WithDecision(decision, 1));
  ASSERT_TRUE(state.ok()) << state.error().message;
  const Drain expected{.since = SampleTime(),
                       .begins = SampleTime(),
                       .deadline = SampleTime() + std::chrono::minutes(30)};
  ASSERT_EQ(state->decisions.size(), 1u);
  EXPECT_EQ(state->decisions[0].drain, expected);
  EXPECT_FALSE(ParseState(WithDecision(R"({"pool": "a", "backend": "b", "drain": {}})", 1)).ok());
}

TEST(StateText, NoDecisionsComeBackToo) {
  const auto text = FormatState({}, SampleTime());
  ASSERT_TRUE(text.ok());
  const auto back = ParseState(*text);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, State{});
}

// The grammar of docs/state_file.md, byte for byte: a change of it is a change of the version.
TEST(StateText, IsWhatTheGrammarSays) {
  State state;
  state.decisions.push_back(
      {.pool = "main", .backend = "vpn2", .admin = config::AdminState::kDraining});
  state.decisions.push_back({.pool = "main",
                             .backend = "vpn3",
                             .admin = config::AdminState::kDraining,
                             .drain = SampleDrain()});
  state.decisions.push_back({.pool = "main", .backend = "vpn4", .added = SampleBackend("vpn4")});
  state.certificates = {
      {.pool = "main", .backend = "vpn2", .sha256 = "3f2a"},
      {.pool = "main", .backend = "vpn3", .sha256 = "88be", .told = {{"expires", "in 20d"}}}};
  state.affinity = {{.pool = "main",
                     .backends = {"vpn2", "vpn3"},
                     .clients = {{IpAddress::V4({198, 51, 100, 7}), 1, SampleTime()},
                                 {*IpAddress::Parse("2001:db8:1:2::"), 0, SampleTime()}}},
                    {.pool = "other"}};
  const auto text = FormatState(state, SampleTime());
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, R"({
  "sstplb_state": 2,
  "saved": "2026-11-22T05:04:54.123Z",
  "decisions": [
    {"pool":"main","backend":"vpn2","admin":"draining"},
    {"pool":"main","backend":"vpn3","admin":"draining","drain":{"since":"2026-11-22T05:04:54.123Z","begins":"2026-11-22T05:05:54.123Z","deadline":"2026-11-22T05:34:54.123Z","pace":2.5,"idle_first":true}},
    {"pool":"main","backend":"vpn4","added":{"address":"[2001:db8::14]:443","weight":50,"max_sessions":7,"admin":"disabled"}}
  ],
  "certificates": [
    {"pool":"main","backend":"vpn2","sha256":"3f2a"},
    {"pool":"main","backend":"vpn3","sha256":"88be","told":{"expires":"in 20d"}}
  ],
  "affinity": {
    "main": {"backends": ["vpn2","vpn3"], "clients": [
["198.51.100.7",1,1795323894],
["2001:db8:1:2::",0,1795323894]
    ]},
    "other": {"backends": [], "clients": []}
  }
}
)");
}

TEST(StateText, EveryStrictPrefixIsAnError) {
  const std::string text = *FormatState(SampleState(), SampleTime());
  ASSERT_TRUE(ParseState(text).ok());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseState(text.substr(0, size)).ok()) << "first " << size << " bytes";
  }
}

TEST(StateText, ASectionOfALaterReleaseIsCarriedAlong) {
  const std::string text =
      R"({"sstplb_state": 1, "saved": "2026-11-22T05:04:54.123Z", "decisions": [],
          "later": {"main": [["192.0.2.1", "vpn1", 12.5]]}, "note": "kept"})"
      "\n";
  const auto state = ParseState(text);
  ASSERT_TRUE(state.ok()) << state.error().message;
  const std::vector<StateSection> expected = {{"later", R"({"main":[["192.0.2.1","vpn1",12.5]]})"},
                                              {"note", R"("kept")"}};
  EXPECT_EQ(state->others, expected);
  EXPECT_EQ(*ParseState(*FormatState(*state, SampleTime())), *state);
}

TEST(StateText, OfACertificateWhatALaterReleaseAddsIsDropped) {
  const auto state = ParseState(WithCertificate(
      R"({"pool": "main", "backend": "vpn1", "sha256": "aa", "told": {"odd": "x"}, "more": 1})"));
  ASSERT_TRUE(state.ok()) << state.error().message;
  const std::vector<KnownCertificate> expected = {
      {.pool = "main", .backend = "vpn1", .sha256 = "aa", .told = {{"odd", "x"}}}};
  EXPECT_EQ(state->certificates, expected);
}

TEST(StateText, WrongTextsSayWhatIsWrong) {
  const std::string good = R"("pool": "main", "backend": "vpn1")";
  const struct {
    std::string text;
    std::string says;
  } cases[] = {
      // What is not a state file at all.
      {"", "it is empty"},
      {"[global]\nworkers = 2\n", "no JSON"},
      {"[]\n", "no state file of sstplb"},
      {"{}\n", "no state file of sstplb"},
      {"null\n", "no state file of sstplb"},
      {R"({"sstplb_state": "1"})", "no version number"},
      {R"({"sstplb_state": 0})", "no version number"},
      {R"({"sstplb_state": -1})", "no version number"},
      {R"({"sstplb_state": 3, "anything": []})", "a newer sstplb wrote it (version 3; this one"},
      {R"({"sstplb_state": 1})", "the file has no \"saved\""},
      {R"({"sstplb_state": 1, "saved": "2026-11-22T05:04:54.123Z"})", "has no \"decisions\""},
      {R"({"sstplb_state": 1, "saved": "2026-11-22T05:04:54.123Z", "decisions": {}})", "no array"},
      {std::string(100000, '['), "nests deeper"},
      {"{\"sstplb_state\": 1, \"\xff\": 1}", "no JSON"},
      // What is wrong with the affinity.
      {WithAffinity("[]"), "\"affinity\" is no object"},
      {WithAffinity(R"({"main": 1})"), "affinity.main is no object"},
      {WithAffinity(R"({"main": {"clients": []}})"), "has no \"backends\""},
      {WithAffinity(R"({"main": {"backends": [], "clients": {}}})"), "clients is not an array"},
      {WithAffinity(R"({"main": {"backends": [1], "clients": []}})"), "an array of names"},
      {WithAffinity(R"({"main": {"backends": [], "clients": [], "x": 1}})"), "member \"x\""},
      {WithClient(R"(["192.0.2.1", 0])"), "is not [address, backend, until]"},
      {WithClient(R"(["192.0.2.1", 1, 0])"), "affinity.main.clients[0][1] is not a number"},
      {WithClient(R"(["192.0.2.1", 0, -1])"), "affinity.main.clients[0][2] is not a number"},
      {WithClient(R"(["192.0.2.1", 0, 9223372037])"), "[2] is not a number"},
      {WithClient(R"(["2001:db8::1", 0, 0])"), "no IPv6 network of 64 bits"},
      {WithClient(R"([1, 0, 0])"), "affinity.main.clients[0][0] is no IPv4"},
      // What is wrong with one decision.
      {WithDecision("7"), "decisions[0] is no object"},
      {WithDecision(R"({"pool": "main"})"), "decisions[0] has no \"backend\""},
      {WithDecision(R"({"pool": "", "backend": "b"})"), "decisions[0].pool is not a name"},
      {WithDecision(R"({"pool": "main", "backend": 1})"), "decisions[0].backend is not a string"},
      {WithDecision("{" + good + R"(, "weigth": 1})"), "unknown member \"weigth\""},
      {WithDecision("{" + good + R"(, "weight": -1})"), "weight is not a number from 0"},
      {WithDecision("{" + good + R"(, "weight": 4294967296})"), "weight is not a number from 0"},
      {WithDecision("{" + good + R"(, "max_sessions": 1.5})"), "max_sessions is not a number"},
      {WithDecision("{" + good + R"(, "admin": "up"})"), "admin is not active, draining or"},
      {WithDecision("{" + good + R"(, "removed": false})"), "removed is not true"},
      {WithDecision("{" + good + R"(, "removed": 1})"), "removed is not true"},
      {WithDecision("{" + good + "}, {" + good + "}"),
       "decisions[1] decides about main/vpn1 a sec"},
      {WithDecision("{" + good + R"(, "added": {"address": "10.0.0.1:443"}})"),
       "decisions[0].added has no \"weight\""},
      {WithDecision("{" + good + R"(, "added": {"address": "10.0.0.1", "weight": 1,
                    "max_sessions": 0, "admin": "active"}})"),
       "decisions[0].added.address is not an address"},
      // What is wrong with a drain.
      {WithDecision("{" + good + R"(, "drain": true})"), "decisions[0].drain is no object"},
      {WithDecision("{" + good + R"(, "drain": {"since": "2026-11-22T05:04:54.123Z"}})"),
       "decisions[0].drain has no \"begins\""},
      {WithDrain(R"("pace": 0)"), "drain.pace is not a number above 0"},
      {WithDrain(R"("pace": "5/s")"), "drain.pace is not a number above 0"},
      {WithDrain(R"("idle_first": false)"), "drain.idle_first is not true"},
      {WithDrain(R"("slowly": true)"), "decisions[0].drain has an unknown member \"slowly\""},
      {WithDecision("{" + good + R"(, "drain_deadline": "2026-11-22T05:04:54.123Z"})"),
       "unknown member \"drain_deadline\""},
      {WithCertificate("1"), "certificates[0] is no object"},
      {WithCertificate(R"({"pool": "main", "backend": "vpn1"})"), "has no \"sha256\""},
      {WithCertificate("{" + good + R"(, "sha256": ""})"), "sha256 is not a name"},
      {WithCertificate("{" + good + R"(, "sha256": "aa", "told": []})"), "told is not an object"},
      {WithCertificate("{" + good + R"(, "sha256": "aa", "told": {"names": 1}})"),
       "told.names is not a string"},
      // Times that are none.
      {WithDrain(R"("deadline": 5)"), "deadline is not a string"},
      {WithDrain(R"("deadline": "soon")"), "deadline is not a time"},
      {WithDrain(R"("deadline": "2026-02-31T00:00:00.000Z")"), "a time"},
      {WithDrain(R"("deadline": "2026-11-22T05:04:54Z")"), "a time"},
      {WithDrain(R"("deadline": "2026-11-22T05:04:54.123Zx")"), "a time"},
      {WithDrain(R"("deadline": "9999-11-22T05:04:54.123Z")"), "a time"},
  };
  for (const auto& c : cases) {
    const auto state = ParseState(c.text);
    ASSERT_FALSE(state.ok()) << c.text.substr(0, 200);
    EXPECT_THAT(state.error().message, HasSubstr(c.says)) << c.text.substr(0, 200);
  }
}

TEST(StateText, ANameThatIsNotUtf8IsRefusedAndNotMangled) {
  State state;
  state.decisions.push_back({.pool = "main", .backend = "vpn\xff", .weight = 1u});
  const auto text = FormatState(state, SampleTime());
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.error().message, StartsWith("it cannot be put into JSON"));
}

}  // namespace
}  // namespace sstplb::backend
