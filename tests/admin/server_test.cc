// AdminServer as a stranger meets it: bounds, deadlines, the token, and a quick end.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "lb/admin/door.h"
#include "tests/admin/running_server.h"

namespace sstplb::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kToken = "0123456789abcdef0123456789abcdef";

TEST(AdminServerTest, TheDashboardBringsAllItNeeds) {
  const RunningServer server;
  const Reply page = server.AskHttp("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.head, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(page.head,
              HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'"));
  EXPECT_THAT(page.head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(page.body, HasSubstr("</html>"));
  const Reply script = server.AskHttp("GET", "/app.js");
  EXPECT_THAT(script.head, HasSubstr("text/javascript"));
  EXPECT_THAT(script.body, Not(HasSubstr("innerHTML")));
  EXPECT_THAT(server.AskHttp("GET", "/style.css").head, HasSubstr("text/css"));
  for (const Reply& reply : {page, script}) {
    EXPECT_THAT(reply.body, Not(HasSubstr("https://")));
    EXPECT_THAT(reply.body, Not(HasSubstr("src=\"http")));
  }
}

TEST(AdminServerTest, HttpOnlyReadsWithoutAToken) {
  RunningServer server;
  EXPECT_EQ(server.AskHttp("GET", "/api/v1/status").status, 200);
  EXPECT_EQ(server.AskHttp("HEAD", "/api/v1/status").status, 200);
  EXPECT_EQ(server.AskHttp("HEAD", "/api/v1/status").body, "");
  const Reply refused = server.AskHttp("POST", "/api/v1/backends/main/vpn1/drain");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("admin.http_token_file"));
  EXPECT_EQ(server.AskHttp("GET", "/", "", {{"Host", "rebound.example"}}).status, 403);
  EXPECT_TRUE(server.api.calls.empty());
}

TEST(AdminServerTest, HttpChangesWithTheToken) {
  RunningServer server(kToken);
  const Reply without = server.AskHttp("POST", "/api/v1/reload");
  EXPECT_EQ(without.status, 401);
  EXPECT_THAT(without.head, HasSubstr("WWW-Authenticate: Bearer"));
  const Headers wrong = {{"Authorization", "Bearer " + std::string(kToken.size(), 'x')}};
  EXPECT_EQ(server.AskHttp("POST", "/api/v1/reload", "", wrong).status, 401);
  const Headers right = {{"Authorization", "Bearer " + kToken}};
  EXPECT_EQ(server.AskHttp("POST", "/api/v1/reload", "", right).status, 200);
  const Headers page = {{"Authorization", "Bearer " + kToken}, {"Origin", "http://evil.example"}};
  EXPECT_EQ(server.AskHttp("POST", "/api/v1/reload", "", page).status, 403);
}

TEST(AdminServerTest, ATokenMustBeOne) {
  const TempFolder folder;
  FakeApi api;
  const auto logger = Logger::Null();
  config::Admin options;
  options.socket.clear();
  options.http = SocketAddress::Parse("127.0.0.1:0");
  options.http_token_file = folder / "token";
  EXPECT_FALSE(admin::AdminServer::Open(options, api, *logger).ok());
  std::ofstream(options.http_token_file) << "short\n";
  const auto opened = admin::AdminServer::Open(options, api, *logger);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("at least 16 characters"));
}

TEST(AdminServerTest, MalformedRequestsGetAnErrorAndNothingElse) {
  RunningServer server;
  const struct {
    const char* what;
    std::string bytes;
    int status;
  } kCases[] = {
      {"no version", "GET /\r\n\r\n", 400},
      {"another version", "GET / HTTP/3.0\r\n\r\n", 400},
      {"no such method", "BREW / HTTP/1.1\r\n\r\n", 400},
      {"a method without routes", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 403},
      {"a TLS hello", std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", 14), 400},
      {"a body in pieces",
       "POST /api/v1/reload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       411},
      {"a form",
       MakeRequest("POST", "/api/v1/reload", "a=b",
                   {{"Content-Type", "application/x-www-form-urlencoded"}}),
       415},
      {"a long path", MakeRequest("GET", "/" + std::string(1000, 'a')), 414},
      {"many ranges",
       MakeRequest("GET", "/", "", {{"Range", "bytes=0-0" + std::string(6000, ',')}}), 200},
  };
  for (const auto& c : kCases) {
    Reply reply = Exchange(ConnectUnix(server.socket_path()), c.bytes);
    if (c.status == 403) {
      reply = Exchange(ConnectTcp(*server.server->http_address()), c.bytes);
    }
    EXPECT_EQ(reply.status, c.status) << c.what;
    EXPECT_THAT(reply.head, HasSubstr("Content-Security-Policy")) << c.what;
  }
  EXPECT_TRUE(server.api.calls.empty());
  EXPECT_EQ(server.Ask("GET", "/healthz").status, 200);
}

TEST(AdminServerTest, BodiesAreBounded) {
  const RunningServer server;
  const std::string fits = "{\"x\":\"" + std::string(60 * 1024, 'a') + "\"}";
  EXPECT_EQ(server.Ask("POST", "/api/v1/backends", fits).status, 400);
  const std::string large(300 * 1024, 'a');
  const Reply reply = server.Ask("POST", "/api/v1/backends", large);
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(reply.body, HasSubstr("64 KiB"));
}

TEST(AdminServerTest, ASlowRequestIsNotWaitedForLong) {
  const RunningServer server;
  const Fd slow = ConnectUnix(server.socket_path());
  ASSERT_TRUE(Send(slow, "GET / HTTP/1.1\r\nHost: loc"));
  const TimePoint before = Clock::now();
  EXPECT_EQ(ReceiveAll(slow), "");
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(9));
}

TEST(AdminServerTest, SilentCallersAtOneDoorDoNotBlockTheOther) {
  const RunningServer server;
  std::vector<Fd> silent;
  for (int i = 0; i < 3 * admin::Door::kThreads; ++i) {
    silent.push_back(ConnectTcp(*server.server->http_address()));
  }
  EXPECT_EQ(server.Ask("GET", "/healthz").status, 200);
}

TEST(AdminServerTest, SomeThreadsAreKeptFromFollowers) {
  const RunningServer server;
  std::vector<Fd> followers;
  for (int i = 0; i < admin::Door::kMaxFollowers; ++i) {
    followers.push_back(ConnectUnix(server.socket_path()));
    ASSERT_TRUE(Send(followers.back(), MakeRequest("GET", "/api/v1/events?follow")));
    EXPECT_THAT(ReceiveUntil(followers.back(), "data: "), HasSubstr("data: "));
  }
  EXPECT_EQ(server.Ask("GET", "/api/v1/events?follow").status, 503);
  EXPECT_EQ(server.Ask("GET", "/healthz").status, 200);
  // A place is free again when a follower has gone.
  followers.pop_back();
  const TimePoint deadline = Clock::now() + std::chrono::seconds(10);
  std::string seen;
  while (seen.find("data: ") == std::string::npos && Clock::now() < deadline) {
    const Fd next = ConnectUnix(server.socket_path());
    ASSERT_TRUE(Send(next, MakeRequest("GET", "/api/v1/events?follow")));
    seen = ReceiveUntil(next, "\r\n\r\n");
    // The first event may have come with the head.
    const bool more = seen.starts_with("HTTP/1.1 200") && seen.find("data: ") == std::string::npos;
    if (more) seen += ReceiveUntil(next, "data: ");
  }
  EXPECT_THAT(seen, HasSubstr("data: "));
}

TEST(AdminServerTest, StopsQuicklyWhileFollowersAndSilentCallersWait) {
  const RunningServer server;
  const Fd follower = ConnectUnix(server.socket_path());
  ASSERT_TRUE(Send(follower, MakeRequest("GET", "/api/v1/events?follow")));
  EXPECT_THAT(ReceiveUntil(follower, "data: "), HasSubstr("data: "));
  const Fd silent = ConnectUnix(server.socket_path());
  const TimePoint before = Clock::now();
  server.server->Stop();
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(3));
  ReceiveAll(follower);
  server.server->Stop();  // twice is fine
}

TEST(AdminServerTest, WorksWithDescriptorsThatSelectCannotTake) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 1200) GTEST_SKIP() << "the hard limit of open files is below 1200";
  const rlimit before = limit;
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 1200);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<Fd> held;
  for (int i = 0; i < 1050; ++i) {
    held.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(held.back().valid());
  }
  {
    const RunningServer server;
    EXPECT_EQ(server.Ask("GET", "/api/v1/status").status, 200);
    EXPECT_EQ(server.AskHttp("GET", "/metrics").status, 200);
  }
  held.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace sstplb::testing
