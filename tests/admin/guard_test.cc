// Guard: who is refused what, as a table.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/guard.h"

#include <gtest/gtest.h>

namespace sstplb::admin {
namespace {

const std::string kToken = "0123456789abcdef";
const Policy kSocket{.trusted = true};
const Policy kLoopback{.loopback = true};
const Policy kPublic{};
const Policy kWithToken{.loopback = true, .token = kToken};

int StatusOf(const Policy& policy, const Claims& claims) {
  const std::optional<Response> refusal = Refuse(policy, claims);
  return refusal ? refusal->status : 200;
}

TEST(GuardTest, Table) {
  const std::string good = "Bearer " + kToken;
  const struct {
    const char* what;
    const Policy& policy;
    Claims claims;
    int status;
  } kCases[] = {
      {"the socket reads", kSocket, {.method = "GET", .host = "x"}, 200},
      {"the socket changes", kSocket, {.method = "DELETE", .host = "localhost"}, 200},
      {"a page reaches the socket", kSocket, {.method = "POST", .origin = "http://evil"}, 403},
      {"http reads", kPublic, {.method = "GET", .host = "lb.example.com:9180"}, 200},
      {"http changes", kPublic, {.method = "PATCH", .host = "lb.example.com"}, 403},
      {"http asks for more rights", kPublic, {.method = "OPTIONS", .host = "a"}, 403},
      {"localhost", kLoopback, {.method = "GET", .host = "LocalHost:9180"}, 200},
      {"an address", kLoopback, {.method = "GET", .host = "127.0.0.1:9180"}, 200},
      {"an IPv6 address", kLoopback, {.method = "GET", .host = "[::1]:9180"}, 200},
      {"an IPv6 address without a port", kLoopback, {.method = "GET", .host = "[::1]"}, 200},
      {"no host", kLoopback, {.method = "GET"}, 200},
      {"a rebound name", kLoopback, {.method = "GET", .host = "evil.example:9180"}, 403},
      {"a name that only begins well", kLoopback, {.method = "GET", .host = "localhost.evil"}, 403},
      {"a rebound name with the token",
       kWithToken,
       {.method = "GET", .host = "lb.example", .authorization = good},
       200},
      {"no token", kWithToken, {.method = "POST", .host = "localhost"}, 401},
      {"the token",
       kWithToken,
       {.method = "POST", .host = "localhost", .authorization = good},
       200},
      {"the scheme in other letters",
       kWithToken,
       {.method = "POST", .host = "localhost", .authorization = "bearer " + kToken},
       200},
      {"a wrong token",
       kWithToken,
       {.method = "POST", .host = "localhost", .authorization = "Bearer 0123456789abcdeX"},
       401},
      {"a part of the token",
       kWithToken,
       {.method = "POST", .host = "localhost", .authorization = "Bearer 0123"},
       401},
      {"another scheme",
       kWithToken,
       {.method = "POST", .host = "localhost", .authorization = "Basic " + kToken},
       401},
      {"another site's page with the token",
       kWithToken,
       {.method = "POST",
        .host = "localhost:9180",
        .origin = "http://evil.example",
        .authorization = good},
       403},
      {"its own page with the token",
       kWithToken,
       {.method = "POST",
        .host = "localhost:9180",
        .origin = "http://localhost:9180",
        .authorization = good},
       200},
      {"a page without a name",
       kWithToken,
       {.method = "POST", .host = "localhost", .origin = "null", .authorization = good},
       403},
      {"a browser that says cross-site",
       kWithToken,
       {.method = "POST", .host = "localhost", .fetch_site = "cross-site", .authorization = good},
       403},
      {"a form", kSocket, {.method = "POST", .content_type = "text/plain", .has_body = true}, 415},
      {"a body of no type", kSocket, {.method = "POST", .has_body = true}, 415},
      {"JSON with a charset",
       kSocket,
       {.method = "POST", .content_type = "Application/JSON ; charset=utf-8", .has_body = true},
       200},
  };
  for (const auto& c : kCases) EXPECT_EQ(StatusOf(c.policy, c.claims), c.status) << c.what;
}

TEST(GuardTest, WithoutATokenNoneIsRight) {
  EXPECT_EQ(StatusOf(kPublic, {.method = "POST", .host = "a", .authorization = "Bearer "}), 403);
}

TEST(SameSecretTest, ComparesAll) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "ab"));
  EXPECT_FALSE(SameSecret("", "a"));
}

}  // namespace
}  // namespace sstplb::admin
