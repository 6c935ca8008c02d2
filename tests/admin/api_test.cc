// The API as a script sees it: routes, answers and errors, over the admin socket.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/admin/running_server.h"

namespace sstplb::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Json JsonOf(const Reply& reply) {
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: application/json\r\n"));
  return Json::parse(reply.body, nullptr, false);
}

class ApiTest : public ::testing::Test {
 protected:
  Reply Ask(std::string_view method, std::string_view target, std::string_view body = "") {
    return server_.Ask(method, target, body);
  }
  // The code and the field of an error.
  std::string ErrorOf(const Reply& reply) {
    const Json error = JsonOf(reply)["error"];
    if (!error.is_object() || error.value("message", "").empty()) return "no error";
    return error.value("code", "") + " " + error.value("field", "");
  }

  RunningServer server_;
  FakeApi& api_ = server_.api;
};

TEST_F(ApiTest, StatusHasTheWholeBalancer) {
  const Reply reply = Ask("GET", "/api/v1/status");
  EXPECT_EQ(reply.status, 200);
  const Json j = JsonOf(reply);
  EXPECT_EQ(j["version"], "0.1.0");
  EXPECT_EQ(j["sessions_active"], 4);
  EXPECT_NEAR(j["uptime_seconds"].get<double>(), 11520, 60);
  EXPECT_EQ(j["listeners"][0]["bind"], Json({"0.0.0.0:443", "[::]:443"}));
  const Json& down = j["pools"][0]["backends"][1];
  EXPECT_EQ(down["health"], "down");
  EXPECT_EQ(down["admin"], "active");
  EXPECT_EQ(down["probe"]["outcome"], "tls_timeout");
  EXPECT_EQ(down["probe"]["history"].get<std::string>().substr(52), "000011111000");
  EXPECT_EQ(down["probe"]["hint"], "the process hangs");
  EXPECT_EQ(down["probe"]["note"], "asked post, not call");
  EXPECT_EQ(down["probe"]["server"], "rras");
  EXPECT_EQ(down["certificate"]["findings"],
            Json({{"expires", "in 5d1h"},
                  {"names", "ras.example.com"},
                  {"not_yet_valid", "from 2039-01-01T00:00:00Z"}}));
  EXPECT_EQ(down["certificate"]["ocsp"], "good");
  EXPECT_EQ(down["certificate"]["verified"], false);
  EXPECT_EQ(j["pools"][0]["certificate_mismatch"], true);
  EXPECT_EQ(j["pools"][1]["certificate_mismatch"], false);
  EXPECT_EQ(down["drain"], nullptr);
  EXPECT_EQ(j["pools"][0]["backends"][2]["drain"]["remaining"], 2);
  EXPECT_EQ(j["pools"][1]["backends"][0]["certificate"], nullptr);
}

TEST_F(ApiTest, PoolsAndBackendsAreListed) {
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/pools"))["pools"].size(), 2u);
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/backends"))["backends"].size(), 4u);
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/backends?pool=lab"))["backends"][0]["name"], "old");
  EXPECT_EQ(Ask("GET", "/api/v1/backends?pool=nope").status, 404);
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/backends/main/vpn1"))["address"], "10.0.0.11:443");
  EXPECT_EQ(ErrorOf(Ask("GET", "/api/v1/backends/main/nope")), "not_found name");
}

TEST_F(ApiTest, ABackendIsAddedAndRemoved) {
  const Reply added =
      Ask("POST", "/api/v1/backends", R"({"pool":"main","name":"vpn4","address":"10.0.0.14:443"})");
  EXPECT_EQ(added.status, 201);
  EXPECT_THAT(added.head, HasSubstr("Location: /api/v1/backends/main/vpn4\r\n"));
  EXPECT_EQ(Ask("DELETE", "/api/v1/backends/main/vpn4").status, 200);
  EXPECT_EQ(Ask("DELETE", "/api/v1/backends/main/vpn1?force").status, 200);
  const Json left = JsonOf(Ask("GET", "/api/v1/backends/main/vpn1"));
  EXPECT_EQ(left["removed"], true) << "its sessions are still there";
  EXPECT_EQ(left["drain"]["cause"], "removed");
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/backends/main/vpn3"))["removed"], false);
  EXPECT_EQ(ErrorOf(Ask("DELETE", "/api/v1/backends/main/vpn1")), "conflict ");
  EXPECT_THAT(api_.calls, ElementsAre("add main/vpn4 10.0.0.14:443 weight=100", "remove main/vpn4",
                                      "remove main/vpn1 force"));
}

TEST_F(ApiTest, ABackendIsChangedDrainedAndReset) {
  const Json changed =
      JsonOf(Ask("PATCH", "/api/v1/backends/main/vpn1", R"({"weight":10,"admin":"disabled"})"));
  EXPECT_EQ(changed["weight"], 10);
  EXPECT_EQ(changed["admin"], "disabled");
  const Json drained =
      JsonOf(Ask("POST", "/api/v1/backends/main/vpn1/drain", R"({"within_seconds":90})"));
  EXPECT_EQ(drained["admin"], "draining");
  EXPECT_TRUE(drained["drain"]["deadline"].is_string());
  EXPECT_EQ(Ask("DELETE", "/api/v1/backends/main/vpn1/drain").status, 200);
  EXPECT_EQ(Ask("POST", "/api/v1/backends/main/vpn1/drain").status, 200);
  EXPECT_EQ(Ask("POST", "/api/v1/backends/main/vpn1/reset").status, 200);
  EXPECT_THAT(api_.calls,
              ElementsAre("change main/vpn1", "drain main/vpn1 1m30s", "undrain main/vpn1",
                          "drain main/vpn1 0s", "reset main/vpn1"));
}

TEST_F(ApiTest, APoolIsRebalanced) {
  api_.rebalance.plan.moves.resize(1500);
  const Json plan = JsonOf(Ask("GET", "/api/v1/pools/main/rebalance"));
  EXPECT_EQ(plan["total"], 1500);
  EXPECT_EQ(plan["moves"].size(), 1000u);
  EXPECT_TRUE(plan["rebalance"]["budget_per_hour"].is_null());
  EXPECT_EQ(
      Ask("POST", "/api/v1/pools/main/rebalance", R"({"budget_per_hour":60,"within_seconds":90})")
          .status,
      200);
  EXPECT_EQ(Ask("DELETE", "/api/v1/pools/main/rebalance").status, 200);
  EXPECT_THAT(api_.calls, ElementsAre("rebalance main 60.000000 1m30s", "end rebalance main"));
}

TEST_F(ApiTest, SessionsComeInPages) {
  std::vector<std::string> ids;
  std::string after = "0";
  for (int pages = 0; pages < 10; ++pages) {
    const Json page = JsonOf(Ask("GET", "/api/v1/sessions?limit=3&after=" + after));
    EXPECT_EQ(page["total"], 4);
    for (const Json& s : page["sessions"]) ids.push_back(s["id"]);
    if (page["next"].is_null()) break;
    after = page["next"];
  }
  EXPECT_THAT(ids, ElementsAre("10", "11", "12", "13"));
}

TEST_F(ApiTest, SessionsAreFiltered) {
  const struct {
    const char* query;
    std::size_t count;
  } kCases[] = {{"pool=main&backend=vpn3", 1}, {"older_seconds=60", 2},
                {"source=198.51.100.0/24", 4}, {"source=192.0.2.1", 0},
                {"idle_seconds=3600", 0},      {"sni=vpn.example.com", 2},
                {"listener=vpn", 4},           {"listener=other", 0}};
  for (const auto& c : kCases) {
    const Json page = JsonOf(Ask("GET", std::string("/api/v1/sessions?") + c.query));
    EXPECT_EQ(page["sessions"].size(), c.count) << c.query;
  }
}

TEST_F(ApiTest, NewestSessionsComeFirst) {
  for (session::SessionId id = 0x100; id < 0x100 + 2500; ++id) {
    api_.sessions.push_back(api_.MakeSession(id, std::chrono::hours(1)));
  }
  api_.sessions.push_back(api_.MakeSession(0x9000, std::chrono::milliseconds(1)));
  const Json page = JsonOf(Ask("GET", "/api/v1/sessions?order=newest&limit=3"));
  ASSERT_EQ(page["sessions"].size(), 3u);
  EXPECT_EQ(page["sessions"][0]["id"], "9000");
  EXPECT_EQ(page["sessions"][1]["id"], "13");
  EXPECT_EQ(page["sessions"][2]["id"], "12");
  EXPECT_EQ(page["total"], 2505);
}

TEST_F(ApiTest, ASessionIsShownAndClosed) {
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/sessions/10"))["age_seconds"], 10800);
  EXPECT_EQ(Ask("GET", "/api/v1/sessions/99").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/sessions/xyz").status, 400);
  EXPECT_EQ(JsonOf(Ask("DELETE", "/api/v1/sessions/10"))["closed"], 1);
  EXPECT_EQ(Ask("DELETE", "/api/v1/sessions/10").status, 404);
  EXPECT_EQ(Ask("DELETE", "/api/v1/sessions").status, 400);
  EXPECT_EQ(JsonOf(Ask("DELETE", "/api/v1/sessions?pool=main"))["closed"], 3);
}

TEST_F(ApiTest, Explains) {
  const Json j =
      JsonOf(Ask("GET", "/api/v1/explain?source=198.51.100.7&sni=vpn.example.com&alpn=h2"));
  EXPECT_EQ(j["backend"], "vpn1");
  EXPECT_EQ(j["hash"], "deadbeefcafef00d");
  EXPECT_EQ(j["candidates"][1]["chosen"], true);
  EXPECT_EQ(j["waits"], true);
  EXPECT_EQ(j["refused"], nullptr);
  const Json no = JsonOf(Ask("GET", "/api/v1/explain?source=198.51.100.7&sni=bad.example.com"));
  EXPECT_EQ(no["refused"], "unknown_sni");
  EXPECT_EQ(no["waits"], false);
}

TEST_F(ApiTest, EventsAreListed) {
  const Json j = JsonOf(Ask("GET", "/api/v1/events"));
  ASSERT_EQ(j["events"].size(), 2u);
  EXPECT_EQ(j["events"][0]["fields"]["went"], "down");
  EXPECT_EQ(j["last"], 2);
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/events?after=1"))["events"].size(), 1u);
  EXPECT_EQ(JsonOf(Ask("GET", "/api/v1/events?after=7"))["last"], 7);
}

TEST_F(ApiTest, EventsAreFollowed) {
  const Fd fd = ConnectUnix(server_.socket_path());
  ASSERT_TRUE(Send(fd, MakeRequest("GET", "/api/v1/events?follow&limit=1")));
  std::string seen = ReceiveUntil(fd, "unknown_sni");
  EXPECT_THAT(seen, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(seen, HasSubstr("id: 2\ndata: {\"sequence\":2,"));
  api_.AddEvent("first");
  EXPECT_THAT(ReceiveUntil(fd, "first"), HasSubstr("\"what\":\"first\""));
  api_.AddEvent("second");
  EXPECT_THAT(ReceiveUntil(fd, "second"), HasSubstr("id: 4\n"));
}

TEST_F(ApiTest, ConfigIsExportedAndReloaded) {
  EXPECT_THAT(JsonOf(Ask("GET", "/api/v1/config"))["toml"].get<std::string>(),
              HasSubstr("[listener.vpn]\n"));
  api_.reload.changes = {"pool.main.backend.vpn9: new"};
  api_.reload.needs_upgrade = {"global.workers"};
  const Json dry = JsonOf(Ask("POST", "/api/v1/reload?dry_run"));
  EXPECT_EQ(dry["applied"], false);
  EXPECT_EQ(dry["changes"].size(), 1u);
  EXPECT_EQ(dry["needs_upgrade"], Json::array({"global.workers"}));
  EXPECT_EQ(JsonOf(Ask("POST", "/api/v1/reload"))["applied"], true);
}

TEST_F(ApiTest, FailuresHaveAFittingStatus) {
  using control::FailureCode;
  const struct {
    FailureCode code;
    int status;
  } kCases[] = {{FailureCode::kInvalid, 400},
                {FailureCode::kNotFound, 404},
                {FailureCode::kConflict, 409},
                {FailureCode::kTimeout, 504},
                {FailureCode::kInternal, 500}};
  for (const auto& c : kCases) {
    api_.failure = control::Failure{c.code, "because", "here"};
    const Reply reply = Ask("GET", "/api/v1/status");
    EXPECT_EQ(reply.status, c.status);
    EXPECT_THAT(ErrorOf(reply), ::testing::EndsWith(" here"));
  }
}

TEST_F(ApiTest, WhatIsNotUnderstoodIsAnError) {
  const struct {
    const char* method;
    const char* target;
    const char* body;
    int status;
    const char* error;
  } kCases[] = {
      {"GET", "/nothing", "", 404, "not_found "},
      {"GET", "/api/v2/status", "", 404, "not_found "},
      {"GET", "/api/v1/backends/main", "", 404, "not_found "},
      {"DELETE", "/api/v1/status", "", 405, "method_not_allowed "},
      {"PUT", "/api/v1/backends/main/vpn1", "{}", 405, "method_not_allowed "},
      {"GET", "/api/v1/status?verbose=1", "", 400, "invalid verbose"},
      {"GET", "/api/v1/sessions?limit=1001", "", 400, "invalid limit"},
      {"GET", "/api/v1/sessions?limit=0", "", 400, "invalid limit"},
      {"GET", "/api/v1/sessions?limit=2&limit=3", "", 400, "invalid limit"},
      {"GET", "/api/v1/sessions?after=zz", "", 400, "invalid after"},
      {"GET", "/api/v1/sessions?source=all", "", 400, "invalid source"},
      {"GET", "/api/v1/sessions?backend=vpn1", "", 400, "invalid backend"},
      {"GET", "/api/v1/sessions?older_seconds=nan", "", 400, "invalid older_seconds"},
      {"GET", "/api/v1/sessions?order=oldest", "", 400, "invalid order"},
      {"GET", "/api/v1/explain?sni=a", "", 400, "invalid source"},
      {"GET", "/api/v1/events?follow=maybe", "", 400, "invalid follow"},
      {"POST", "/api/v1/backends", "{}", 400, "invalid pool"},
      {"PATCH", "/api/v1/backends/main/vpn1", "{\"x\":1}", 400, "invalid x"},
      {"POST", "/api/v1/backends/main/vpn1/drain", "{\"within\":\"1m\"}", 400, "invalid within"},
      {"POST", "/api/v1/backends/main/vpn1/reset", "{\"x\":1}", 400, "invalid x"},
      {"POST", "/api/v1/pools/main/rebalance", "{\"budget_per_hour\":0.5}", 400,
       "invalid budget_per_hour"},
      {"POST", "/api/v1/pools/main/rebalance", "{\"budget_per_hour\":36001}", 400,
       "invalid budget_per_hour"},
      {"POST", "/api/v1/reload", "[]", 400, "invalid "},
  };
  for (const auto& c : kCases) {
    const Reply reply = Ask(c.method, c.target, c.body);
    EXPECT_EQ(reply.status, c.status) << c.method << " " << c.target;
    EXPECT_EQ(ErrorOf(reply), c.error) << c.method << " " << c.target;
  }
  EXPECT_THAT(Ask("DELETE", "/api/v1/backends").head, HasSubstr("Allow: GET, POST\r\n"));
  EXPECT_THAT(api_.calls, ElementsAre());
}

TEST_F(ApiTest, WatchersAreAnswered) {
  EXPECT_EQ(Ask("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(Ask("GET", "/readyz").body, "ready\n");
  api_.status.ready = false;
  api_.status.not_ready = "pool main has no ready backend";
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").body, "not ready: pool main has no ready backend\n");
  api_.status.ready = true;
  api_.status.stopping = true;
  EXPECT_EQ(Ask("GET", "/readyz").body, "not ready: stopping\n");
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
  api_.failure = control::Failure{control::FailureCode::kTimeout, "no answer in 3s", ""};
  EXPECT_EQ(Ask("GET", "/healthz").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
}

TEST_F(ApiTest, NoExceptionGetsOut) {
  api_.throws = true;
  const Reply reply = Ask("GET", "/api/v1/status");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, ::testing::Not(HasSubstr("secret")));
  EXPECT_THAT(reply.head, ::testing::Not(HasSubstr("secret")));
  api_.throws = false;
  EXPECT_EQ(Ask("GET", "/api/v1/status").status, 200);
}

}  // namespace
}  // namespace sstplb::testing
