// Session ids and filters.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/status.h"

#include <gtest/gtest.h>

namespace sstplb::session {
namespace {

TEST(SessionId, IsPrintedInHexadecimalAndReadBack) {
  for (const SessionId id : {SessionId{0}, SessionId{0x7f3a01}, ~SessionId{0}}) {
    EXPECT_EQ(ParseSessionId(ToString(id)), id);
  }
  for (const char* bad : {"", "xyz", "12 ", "11112222333344445", "-1", "0x12"}) {
    EXPECT_EQ(ParseSessionId(bad), std::nullopt) << bad;
  }
}

TEST(SessionFilter, MatchesOnlyWhatFitsEveryPart) {
  SessionStatus session;
  session.id = 7;
  session.pool = "main";
  session.backend = "vpn1";
  session.listener = "vpn";
  session.sni = "vpn.example.com";
  session.client = *SocketAddress::Parse("198.51.100.7:5000");
  session.age = std::chrono::hours(2);
  session.idle = std::chrono::seconds(30);
  session.liveness = Liveness::kOneWay;
  const auto with = [](auto change) {
    SessionFilter filter;
    change(filter);
    return filter;
  };
  struct Case {
    const char* about;
    SessionFilter filter;
    bool matches;
  };
  const Case cases[] = {
      {"nothing asked", {}, true},
      {"id", with([](auto& f) { f.id = 7; }), true},
      {"other id", with([](auto& f) { f.id = 8; }), false},
      {"backend", with([](auto& f) { f.pool = "main", f.backend = "vpn1"; }), true},
      {"other pool", with([](auto& f) { f.pool = "lab", f.backend = "vpn1"; }), false},
      {"source", with([](auto& f) { f.source = Cidr::Parse("198.51.100.0/24"); }), true},
      {"other source", with([](auto& f) { f.source = Cidr::Parse("10.0.0.0/8"); }), false},
      {"older", with([](auto& f) { f.older = std::chrono::hours(2); }), true},
      {"not so old", with([](auto& f) { f.older = std::chrono::hours(3); }), false},
      {"liveness", with([](auto& f) { f.liveness = Liveness::kOneWay; }), true},
      {"other liveness", with([](auto& f) { f.liveness = Liveness::kQuiet; }), false},
      {"idle", with([](auto& f) { f.idle = std::chrono::seconds(30); }), true},
      {"not so idle", with([](auto& f) { f.idle = std::chrono::seconds(31); }), false},
      {"sni", with([](auto& f) { f.sni = "vpn.example.com"; }), true},
      {"all but one", with([](auto& f) { f.id = 7, f.sni = "x"; }), false},
  };
  for (const Case& c : cases) EXPECT_EQ(c.filter.Matches(session), c.matches) << c.about;
}

}  // namespace
}  // namespace sstplb::session
