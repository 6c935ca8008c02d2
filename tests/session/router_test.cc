// Which pool a hello goes to: exact, wildcard, ALPN, and the policies for what no route takes.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/session/router.h"

#include <gtest/gtest.h>

#include <string>

namespace sstplb::session {
namespace {

config::Listener MakeListener() {
  config::Listener listener;
  listener.name = "vpn";
  listener.pool = "default";
  listener.routes = {
      {.sni = {"vpn.example.com"}, .alpn = {}, .pool = "exact"},
      {.sni = {"*.example.com"}, .alpn = {}, .pool = "wild"},
      {.sni = {"both.example.org"}, .alpn = {"h2"}, .pool = "web"},
      {.sni = {"both.example.org"}, .alpn = {}, .pool = "rest"},
      {.sni = {"only.example.org"}, .alpn = {"sstp"}, .pool = "sstp"},
      {.sni = {}, .alpn = {"acme-tls/1"}, .pool = "acme"},
  };
  return listener;
}

struct Case {
  const char* about;
  bool has_sni;
  std::optional<std::string_view> sni;
  std::vector<std::string_view> alpn;
  const char* pool;  // "" for refused
};

TEST(Router, SendsEveryHelloWhereTheRoutesSay) {
  const config::Listener listener = MakeListener();
  const Router router(listener);
  const Case cases[] = {
      {"exact beats wildcard", true, "vpn.example.com", {}, "exact"},
      {"a wildcard takes one label", true, "a.example.com", {}, "wild"},
      {"and not two", true, "a.b.example.com", {}, "default"},
      {"nor none", true, "example.com", {}, "default"},
      {"the first route that takes the ALPN", true, "both.example.org", {"h2", "http/1.1"}, "web"},
      {"else the next of that name", true, "both.example.org", {"http/1.1"}, "rest"},
      {"and without ALPN too", true, "both.example.org", {}, "rest"},
      {"a name whose ALPN does not fit is unknown", true, "only.example.org", {"h2"}, "default"},
      {"a route without names takes any name", true, "x.example.net", {"acme-tls/1"}, "acme"},
      {"and no name", false, std::nullopt, {"acme-tls/1"}, "acme"},
      {"no name", false, std::nullopt, {}, "default"},
      {"a name that is no host name matches nothing", true, std::nullopt, {}, "default"},
  };
  for (const Case& c : cases) {
    const auto decision = router.Decide({.has_sni = c.has_sni, .sni = c.sni, .alpn = c.alpn});
    EXPECT_EQ(decision.pool, c.pool) << c.about;
    EXPECT_FALSE(decision.refused) << c.about;
  }
}

TEST(Router, RefusesByPolicy) {
  config::Listener listener = MakeListener();
  listener.no_sni = config::PoolOrRefuse::kRefuse;
  listener.unknown_sni = config::PoolOrRefuse::kRefuse;
  const Router router(listener);
  EXPECT_EQ(router.Decide({}).refused, CloseReason::kNoSni);
  EXPECT_EQ(router.Decide({.has_sni = true, .sni = "x.example.net"}).refused,
            CloseReason::kUnknownSni);
  EXPECT_EQ(router.Decide({.has_sni = true}).refused, CloseReason::kUnknownSni);
  EXPECT_EQ(router.Decide({.has_sni = true, .sni = "vpn.example.com"}).pool, "exact");
  EXPECT_EQ(router.DecideNotTls().refused, CloseReason::kNotTls);
}

TEST(Router, SendsWhatIsNoTlsToThePoolOnlyWhenAsked) {
  config::Listener listener = MakeListener();
  listener.not_tls = config::PoolOrRefuse::kPool;
  EXPECT_EQ(Router(listener).DecideNotTls().pool, "default");
}

}  // namespace
}  // namespace sstplb::session
