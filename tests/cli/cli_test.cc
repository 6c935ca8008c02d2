// The command line against a balancer of plain values: what it prints and how it exits.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <thread>

#include "tests/admin/running_server.h"

namespace sstplb::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

// What commands that are handed in were called with.
struct Called {
  std::optional<RunOptions> run;
  std::optional<CheckOptions> check;
  std::optional<DemoOptions> demo;
  std::optional<ProbeOptions> probe;
};

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    ::unsetenv("SSTPLB_SOCKET");
    entry_.run = [this](const RunOptions& o) { return called_.run = o, 40; };
    entry_.check = [this](const CheckOptions& o) { return called_.check = o, 41; };
    entry_.demo = [this](const DemoOptions& o) { return called_.demo = o, 42; };
    entry_.probe = [this](const ProbeOptions& o) { return called_.probe = o, 43; };
    entry_.admin_socket = [this](const std::string& file) -> Result<std::string> {
      if (file == "good.toml") return server_.socket_path();
      return Error{file + ":1:1: is wrong"};
    };
  }

  Outcome RunExactly(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Console console{
        .out = out, .err = err, .terminal = terminal_, .colour = colour_, .wait_step = 1ms};
    const int code = Main(arguments, entry_, console);
    return {code, out.str(), err.str()};
  }
  // With the socket of the server.
  Outcome Run(std::vector<std::string> arguments) {
    arguments.push_back("--socket");
    arguments.push_back(server_.socket_path());
    return RunExactly(arguments);
  }

  testing::RunningServer server_;
  testing::FakeApi& api_ = server_.api;
  Entry entry_;
  Called called_;
  bool terminal_ = false;
  bool colour_ = false;
};

TEST_F(CliTest, Status) {
  const Outcome o = Run({"status"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_THAT(o.err, IsEmpty());
  EXPECT_THAT(o.out, HasSubstr("sstplb 0.1.0  ready  up 3h12m"));
  EXPECT_THAT(o.out, HasSubstr("sessions 4/10000  workers 2  open files 57/65536\n"));
  EXPECT_THAT(o.out, HasSubstr("vpn       0.0.0.0:443, [::]:443  main       2         4\n"));
  EXPECT_THAT(
      o.out,
      HasSubstr("pool main  consistent-hash  1 of 3 ready  PROXY v2  certificates differ\n"));
  EXPECT_THAT(o.out, HasSubstr("main/vpn2  10.0.0.12:443"));
  EXPECT_THAT(o.out, HasSubstr("draining (2 left, closed in 24m"));
  EXPECT_THAT(o.out, HasSubstr("sstp tls_timeout 43ms (rras)"));
  EXPECT_THAT(o.out, HasSubstr("5 days, lacks ras.example.com"));
  EXPECT_THAT(o.out, HasSubstr("lab/old +"));
  EXPECT_THAT(o.out, Not(HasSubstr("\x1b")));
}

TEST_F(CliTest, StatusWithColour) {
  colour_ = true;
  const std::string out = Run({"status"}).out;
  EXPECT_THAT(out, HasSubstr("\x1b[31mdown\x1b[0m"));
  // What the balancer finds is a warning; how many days are left, by itself, is none.
  EXPECT_THAT(out, HasSubstr("\x1b[33m5 days, lacks ras.example.com, not_yet_valid"));
  EXPECT_THAT(out, HasSubstr("  10 days"));
}

TEST_F(CliTest, JsonIsTheAnswerAsItIs) {
  EXPECT_EQ(Run({"backend", "list", "--json"}).out, server_.Ask("GET", "/api/v1/backends").body);
  EXPECT_EQ(Run({"config", "export", "--json"}).out, server_.Ask("GET", "/api/v1/config").body);
  EXPECT_EQ(Run({"session", "show", "10", "--json"}).out,
            server_.Ask("GET", "/api/v1/sessions/10").body);
  const Outcome failed = Run({"session", "show", "99", "--json"});
  EXPECT_EQ(failed.code, kRefused);
  EXPECT_THAT(failed.out, HasSubstr("\"code\":\"not_found\""));
}

TEST_F(CliTest, TheSocketIsFound) {
  EXPECT_EQ(RunExactly({"status", "-c", "good.toml"}).code, kDone);
  const Outcome bad = RunExactly({"status", "-c", "bad.toml"});
  EXPECT_EQ(bad.code, kBadUsage);
  EXPECT_THAT(bad.err, HasSubstr("bad.toml:1:1: is wrong"));
  ::setenv("SSTPLB_SOCKET", server_.socket_path().c_str(), 1);
  EXPECT_EQ(RunExactly({"status"}).code, kDone);
  ::setenv("SSTPLB_SOCKET", "/nonexistent", 1);
  EXPECT_EQ(RunExactly({"status", "-c", "good.toml"}).code, kDone);
  ::unsetenv("SSTPLB_SOCKET");
}

TEST_F(CliTest, WithoutADaemonItSaysWhatToDo) {
  const testing::TempFolder folder;
  const std::string path = folder / "none.sock";
  const Outcome none = RunExactly({"status", "--socket", path});
  EXPECT_EQ(none.code, kNoDaemon);
  EXPECT_THAT(none.err, HasSubstr("no balancer answers at " + path));
  EXPECT_THAT(none.err, HasSubstr("is `sstplb run` running?"));
  server_.server.reset();
  EXPECT_EQ(Run({"backend", "list"}).code, kNoDaemon);
  EXPECT_EQ(Run({"backend", "drain", "main/vpn1", "--wait"}).code, kNoDaemon);
  EXPECT_EQ(Run({"events", "--follow"}).code, kNoDaemon);
}

TEST_F(CliTest, BackendsAreSteered) {
  EXPECT_THAT(Run({"backend", "list", "--pool", "lab"}).out, HasSubstr("lab/old +"));
  EXPECT_EQ(Run({"backend", "list", "--pool", "nope"}).code, kRefused);
  EXPECT_THAT(Run({"backend", "add", "main/vpn4", "10.0.0.14:443", "--weight", "50"}).out,
              HasSubstr("main/vpn4  unknown  active  0 sessions  weight 50\n"));
  EXPECT_EQ(Run({"backend", "add", "main/vpn4", "10.0.0.14:443"}).code, kRefused);
  EXPECT_EQ(Run({"backend", "remove", "main/vpn4"}).code, kDone);
  EXPECT_THAT(Run({"backend", "disable", "main/vpn1"}).out, HasSubstr("disabled"));
  EXPECT_THAT(Run({"backend", "enable", "main/vpn1"}).out, HasSubstr("active"));
  EXPECT_THAT(Run({"backend", "weight", "main/vpn1", "0"}).out, HasSubstr("weight 0"));
  EXPECT_EQ(Run({"backend", "weight", "main/vpn1", "10001"}).code, kBadUsage);
  EXPECT_EQ(Run({"backend", "reset", "main/vpn1"}).code, kDone);
  EXPECT_THAT(api_.calls, ElementsAre("add main/vpn4 10.0.0.14:443 weight=50", "remove main/vpn4",
                                      "change main/vpn1", "change main/vpn1", "change main/vpn1",
                                      "reset main/vpn1"));
}

TEST_F(CliTest, ARemovedBackendIsShownWhileItHasSessions) {
  const Outcome busy = Run({"backend", "remove", "main/vpn1"});
  EXPECT_EQ(busy.code, kDone);
  EXPECT_EQ(busy.out, "main/vpn1  -  removed, draining, 2 left  2 sessions  weight 100\n");
  EXPECT_THAT(Run({"status"}).out, HasSubstr("pool main  consistent-hash  0 of 2 ready"));
  const Outcome again = Run({"backend", "remove", "main/vpn1", "--force"});
  EXPECT_EQ(again.code, kRefused);
  EXPECT_EQ(again.err, "it is removed, with 2 sessions left\n");
  for (control::PoolStatus& pool : api_.status.pools) pool.removed = true;
  EXPECT_THAT(Run({"status"}).out, HasSubstr("pool main  removed\n"));
}

TEST_F(CliTest, TheEndOfARemovedBackendCanBeWaitedFor) {
  api_.drain_empties = true;
  const Outcome o = Run({"backend", "remove", "main/vpn1", "--wait"});
  EXPECT_EQ(o.code, kDone) << o.err;
  EXPECT_THAT(o.out, HasSubstr("main/vpn1: 1 session left\n"));
}

TEST_F(CliTest, DrainWithoutWaiting) {
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--within", "30m"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_THAT(o.out, HasSubstr("draining (2 left, closed in 29m59s)"));
  EXPECT_EQ(Run({"backend", "drain", "main/vpn1", "--undo"}).code, kDone);
  EXPECT_EQ(Run({"backend", "drain", "main/vpn1", "--undo", "--wait"}).code, kBadUsage);
  EXPECT_THAT(api_.calls, ElementsAre("drain main/vpn1 30m", "undrain main/vpn1"));
}

TEST_F(CliTest, ADrainHasAPaceAnOrderAndABegin) {
  EXPECT_EQ(Run({"backend", "drain", "main/vpn1", "--pace", "30/m", "--idle-first", "--at",
                 "2030-01-01T22:00:00Z"})
                .code,
            kBadUsage);  // more than a year ahead
  EXPECT_EQ(Run({"backend", "drain", "main/vpn1", "--pace", "30/m", "--idle-first"}).code, kDone);
  EXPECT_THAT(api_.calls, ElementsAre("drain main/vpn1 0s 0.500000/s idle_first"));
}

TEST_F(CliTest, ARebalanceIsPlannedBegunAndEnded) {
  const auto now = Clock::now();
  api_.rebalance = {
      .tolerance = 1.1,
      .status = {.per_second = 60.0 / 3600, .begins = WallClock::now() + std::chrono::minutes(200)},
      .plan = {.backends = {{.backend = "vpn1",
                             .sessions = 27,
                             .counted = true,
                             .share = 13.5,
                             .surplus = 12,
                             .moved_lately = 2,
                             .at_home = 3,
                             .no_room = 1},
                            {.backend = "vpn2", .counted = true, .share = 13.5, .room = 13},
                            {.backend = "vpn3", .sessions = 5}},
               .moves = {{.session = 0x1700,
                          .client = *IpAddress::Parse("198.51.100.7"),
                          .last_byte = now - std::chrono::seconds(41),
                          .from = "vpn1",
                          .to = "vpn2"},
                         {.session = 0x1701,
                          .client = *IpAddress::Parse("198.51.100.8"),
                          .last_byte = now - std::chrono::seconds(40),
                          .from = "vpn1"}}},
      .now = now};
  const Outcome plan = Run({"rebalance", "main", "--dry-run"});
  EXPECT_EQ(plan.code, kDone);
  EXPECT_EQ(
      plan.out,
      "pool main: rebalance off, 60 an hour, next window in 3h19m59s, 0 moved so far\n"
      "\n"
      "BACKEND  SESSIONS  SHARE\n"
      "vpn1           27   13.5  12 above 1.1 times its share\n"
      "vpn2            0   13.5  room for 13\n"
      "vpn3            5      -  gets no new sessions: not counted\n"
      "\n"
      "2 to move, in 1m; the longest silent first:\n"
      "ID    CLIENT        FROM  TO                 IDLE\n"
      "1700  198.51.100.7  vpn1  vpn2              41.0s\n"
      "1701  198.51.100.8  vpn1  whose turn it is  40.0s\n"
      "not moved from vpn1: 3 belong there, 2 of clients that are moved now or were in the last "
      "day, 1 belong to backends without room\n");
  EXPECT_THAT(api_.calls, IsEmpty());
  EXPECT_EQ(Run({"rebalance", "main", "--budget", "120/h", "--within", "4h"}).code, kDone);
  EXPECT_EQ(Run({"rebalance", "main"}).code, kDone);
  EXPECT_EQ(Run({"rebalance", "main", "--stop"}).code, kDone);
  EXPECT_THAT(api_.calls, ElementsAre("rebalance main 120.000000 4h", "rebalance main - 1h",
                                      "end rebalance main"));
  EXPECT_EQ(Run({"rebalance"}).code, kBadUsage);
  EXPECT_EQ(Run({"rebalance", "main", "--budget", "fast"}).code, kBadUsage);
  EXPECT_EQ(Run({"rebalance", "main", "--stop", "--dry-run"}).code, kBadUsage);
}

TEST_F(CliTest, TheWholeBalancerIsDrained) {
  EXPECT_THAT(Run({"drain"}).out, HasSubstr("draining (4 left)"));
  EXPECT_EQ(Run({"drain", "--undo"}).code, kDone);
  EXPECT_EQ(Run({"drain", "--undo", "--pace", "5/s"}).code, kBadUsage);
  const Outcome o = Run({"drain", "--wait"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_THAT(o.out, HasSubstr("sstplb: 4 sessions left\nsstplb: 3 sessions left\n"));
  EXPECT_THAT(api_.calls, ElementsAre("drain all", "undrain all", "drain all"));
}

TEST_F(CliTest, DrainIsWaitedFor) {
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--wait"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_EQ(o.out,
            "main/vpn1: 2 sessions left\n"
            "main/vpn1: 1 session left\n"
            "main/vpn1: 0 sessions left\n");
}

TEST_F(CliTest, OnATerminalTheProgressIsOneLine) {
  terminal_ = true;
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--wait"});
  EXPECT_EQ(o.out,
            "\r\x1b[Kmain/vpn1: [--------------------] 2 sessions left"
            "\r\x1b[Kmain/vpn1: [##########----------] 1 session left"
            "\r\x1b[Kmain/vpn1: [####################] 0 sessions left\n");
}

TEST_F(CliTest, WaitingForADrainInJsonPrintsOnlyTheEnd) {
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--wait", "--json"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_THAT(o.out, ::testing::StartsWith("{\"pool\":\"main\""));
  EXPECT_THAT(o.out, HasSubstr("\"remaining\":0"));
}

TEST_F(CliTest, ADrainThatTimesOutIsANo) {
  api_.drain_empties = false;
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--wait", "--within", "200ms"});
  EXPECT_EQ(o.code, kRefused);
  EXPECT_THAT(o.err, HasSubstr("the time was up: the last 2 were closed"));
}

TEST_F(CliTest, ADrainThatIsTakenBackIsANo) {
  api_.drain_empties = false;
  std::thread other([this] {
    while (!api_.IsDraining("main", "vpn1")) std::this_thread::yield();
    EXPECT_TRUE(api_.UndrainBackend("main", "vpn1").ok());
  });
  const Outcome o = Run({"backend", "drain", "main/vpn1", "--wait"});
  other.join();
  EXPECT_EQ(o.code, kRefused);
  EXPECT_THAT(o.err, HasSubstr("taken back"));
}

TEST_F(CliTest, Sessions) {
  const Outcome all = Run({"session", "list"});
  EXPECT_THAT(all.out, HasSubstr("10  198.51.100.7:50123  <img src=x onerror=alert(1)>"));
  EXPECT_THAT(all.out, HasSubstr("4 of 4 sessions\n"));
  EXPECT_THAT(Run({"session", "list", "--limit", "1"}).out,
              HasSubstr("1 of 4 sessions; the next ones: --after 10\n"));
  EXPECT_THAT(Run({"session", "list", "--after", "12"}).out, HasSubstr("1 of 4 sessions\n"));
  EXPECT_THAT(Run({"session", "list", "--backend", "main/vpn3"}).out,
              HasSubstr("1 of 1 sessions\n"));
  EXPECT_THAT(Run({"session", "list", "--older", "1m", "--source", "198.51.100.0/24"}).out,
              HasSubstr("2 of 2 sessions\n"));
  EXPECT_EQ(Run({"session", "list", "--source", "everywhere"}).code, kBadUsage);
  EXPECT_THAT(Run({"session", "show", "11"}).out, HasSubstr("sni         vpn.example.com\n"));
  EXPECT_EQ(Run({"session", "close"}).code, kBadUsage);
  EXPECT_EQ(Run({"session", "close", "10"}).out, "1 session closed\n");
  EXPECT_EQ(Run({"session", "close", "10"}).code, kRefused);
  EXPECT_EQ(Run({"session", "close", "--pool", "main"}).out, "3 sessions closed\n");
}

TEST_F(CliTest, HostileNamesDoNotReachTheTerminal) {
  api_.sessions[0].sni = "\x1b[2Jx\xe2\x80\xae";
  EXPECT_THAT(Run({"session", "list"}).out, HasSubstr("?[2Jx?"));
  EXPECT_THAT(Run({"session", "show", "10"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(CliTest, Explain) {
  const Outcome o = Run({"explain", "--source", "198.51.100.7", "--sni", "vpn.example.com"});
  EXPECT_EQ(o.code, kDone);
  EXPECT_THAT(o.out, HasSubstr("route       route 1: *.example.com\n"));
  EXPECT_THAT(o.out, HasSubstr("hash        deadbeefcafef00d\n"));
  EXPECT_THAT(o.out, HasSubstr("outcome     waits for a place at vpn1\n"));
  EXPECT_THAT(o.out, HasSubstr("->  vpn1       next in hash order\n"));
  const Outcome none = Run({"explain", "--source", "198.51.100.7", "--sni", "bad.example.com"});
  EXPECT_EQ(none.code, kRefused);
  EXPECT_THAT(none.out, HasSubstr("route       refused: unknown_sni\n"));
  EXPECT_THAT(none.out, HasSubstr("outcome     refused: unknown_sni\n"));
  EXPECT_THAT(none.out, HasSubstr("hash        -\n"));
  EXPECT_EQ(Run({"explain", "--source", "nobody"}).code, kBadUsage);
  EXPECT_EQ(Run({"explain"}).code, kBadUsage);
}

TEST_F(CliTest, Events) {
  const Outcome o = Run({"events"});
  EXPECT_THAT(o.out, HasSubstr("backend main/vpn2 went=down was=up outcome=tls_timeout\n"));
  EXPECT_THAT(Run({"events", "--limit", "1"}).out, Not(HasSubstr("vpn2")));
}

TEST_F(CliTest, EventsAreFollowedUntilTheBalancerEnds) {
  std::thread later([this] {
    while (api_.events_given < 2) std::this_thread::yield();
    api_.AddEvent("something new");
    while (api_.events_asked_after < 3) std::this_thread::yield();  // the third was sent
    server_.server->Stop();
  });
  const Outcome o = Run({"events", "--follow"});
  later.join();
  EXPECT_EQ(o.code, kNoDaemon);
  EXPECT_THAT(o.out, HasSubstr("went=down"));
  EXPECT_THAT(o.out, HasSubstr("something new n=1\n"));
}

TEST_F(CliTest, Reload) {
  api_.reload.changes = {"pool.main.backend.vpn9: new"};
  api_.reload.needs_upgrade = {"global.workers"};
  const Outcome dry = Run({"reload", "--dry-run"});
  EXPECT_EQ(dry.out,
            "pool.main.backend.vpn9: new\nneeds upgrade: global.workers\n"
            "1 change, not applied (dry run); 1 more by `sstplb upgrade`\n");
  EXPECT_THAT(Run({"reload"}).out, HasSubstr("1 change, applied; 1 more by"));
  api_.failure = control::Failure{control::FailureCode::kInvalid, "sstplb.toml:3:1: bad", ""};
  const Outcome bad = Run({"reload"});
  EXPECT_EQ(bad.code, kBadUsage);
  EXPECT_EQ(bad.err, "sstplb.toml:3:1: bad\n");
}

TEST_F(CliTest, ConfigExportIsTheFile) {
  EXPECT_EQ(Run({"config", "export"}).out,
            "[listener.vpn]\nbind = [\"0.0.0.0:443\"]\npool = \"main\"\n");
}

TEST_F(CliTest, ABalancerThatCannotAnswerIsNotADone) {
  api_.failure = control::Failure{control::FailureCode::kTimeout, "a worker does not answer", ""};
  const Outcome o = Run({"status"});
  EXPECT_EQ(o.code, kRefused);
  EXPECT_EQ(o.err, "a worker does not answer\n");
}

TEST_F(CliTest, RunCheckAndDemoAreHandedOn) {
  EXPECT_EQ(RunExactly({"run", "-c", "a.toml"}).code, 40);
  EXPECT_EQ(called_.run->config, "a.toml");
  EXPECT_EQ(RunExactly({"check"}).code, 41);
  EXPECT_EQ(called_.check->config, "/etc/sstplb/sstplb.toml");
  EXPECT_FALSE(called_.check->online);
  EXPECT_EQ(RunExactly({"check", "--online", "--within", "5s", "--ignore", "single_backend",
                        "--ignore", "nodelay_off:pool.lab"})
                .code,
            41);
  EXPECT_TRUE(called_.check->online);
  EXPECT_EQ(called_.check->within, std::chrono::seconds(5));
  EXPECT_EQ(called_.check->ignore,
            (std::vector<std::string>{"single_backend", "nodelay_off:pool.lab"}));
  EXPECT_FALSE(called_.check->json);
  EXPECT_EQ(RunExactly({"check", "--json"}).code, 41);
  EXPECT_TRUE(called_.check->json);
  EXPECT_EQ(RunExactly({"check", "--json", "--list"}).code, kBadUsage);
  EXPECT_EQ(RunExactly({"check", "--ignore", "nothing"}).code, kBadUsage);
  EXPECT_EQ(RunExactly({"check", "--within", "5s"}).code, kBadUsage);
  EXPECT_EQ(RunExactly({"demo", "--check", "--listen", "127.0.0.1:8443", "--admin-http",
                        "127.0.0.1:0", "--tunnels", "5"})
                .code,
            42);
  EXPECT_TRUE(called_.demo->check);
  EXPECT_EQ(called_.demo->listen->port, 8443);
  EXPECT_TRUE(called_.demo->admin_http.has_value());
  EXPECT_EQ(called_.demo->tunnels, 5u);
  EXPECT_EQ(RunExactly({"demo"}).code, 42);
  EXPECT_FALSE(called_.demo->listen.has_value());
  EXPECT_FALSE(called_.demo->tunnels.has_value());
}

TEST_F(CliTest, ProbeIsHandedOn) {
  EXPECT_EQ(
      RunExactly({"probe", "[2001:db8::1]:443", "--sni", "a.example", "--kind", "tls", "--depth",
                  "call", "--verify", "chain", "--ca-file", "ca.pem", "--proxy-protocol", "v2",
                  "--timeout", "1500ms", "--tls-versions", "--json"})
          .code,
      43);
  const ProbeOptions& o = *called_.probe;
  EXPECT_EQ(o.target.ToString(), "[2001:db8::1]:443");
  EXPECT_EQ(o.probe.sni, "a.example");
  EXPECT_EQ(o.probe.kind, config::ProbeKind::kTls);
  EXPECT_EQ(o.probe.depth, config::ProbeDepth::kCall);
  EXPECT_EQ(o.probe.verify, config::Verify::kChain);
  EXPECT_EQ(o.probe.ca_file, "ca.pem");
  EXPECT_EQ(o.probe.proxy_protocol, config::ProbeProxyProtocol::kV2);
  EXPECT_EQ(o.probe.timeout, 1500ms);
  EXPECT_TRUE(o.json);
  EXPECT_TRUE(o.tls_versions);
  EXPECT_EQ(RunExactly({"probe", "a:443"}).code, 43);
  EXPECT_FALSE(called_.probe->tls_versions);
  EXPECT_EQ(called_.probe->probe.kind, config::ProbeKind::kSstp);
  EXPECT_EQ(called_.probe->probe.proxy_protocol, config::ProbeProxyProtocol::kNone);
}

TEST_F(CliTest, BadUsageIsTwoAndSaysWhy) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } kCases[] = {
      {{}, "a command is missing"},
      {{"backend", "vanish"}, "vanish"},
      {{"nonsense"}, "nonsense"},
      {{"backend"}, "drain"},
      {{"backend", "drain", "vpn1"}, "no POOL/NAME, as main/vpn1"},
      {{"backend", "drain", "main/vpn1", "--within", "30"}, "no duration, as 90s"},
      {{"backend", "add", "main/vpn1", "10.0.0.1"}, "no HOST:PORT"},
      {{"backend", "weight", "main/vpn1", "much"}, "weight"},
      {{"session", "list", "--limit", "0"}, "limit"},
      {{"session", "list", "--pool", "a", "--backend", "a/b"}, "exclude"},
      {{"probe", "host"}, "no HOST:PORT"},
      {{"probe", "a:443", "--kind", "ping"},
       "\"ping\" is none of: none, tcp, tls, sstp, http, exec"},
      {{"status", "--verbose"}, "--verbose"},
      {{"improve"}, "improve"},
  };
  for (const auto& c : kCases) {
    const Outcome o = RunExactly(c.arguments);
    EXPECT_EQ(o.code, kBadUsage) << c.says;
    EXPECT_THAT(o.err, HasSubstr(c.says));
    EXPECT_THAT(o.out, IsEmpty()) << c.says;
  }
}

TEST_F(CliTest, HelpAndVersion) {
  const Outcome version = RunExactly({"--version"});
  EXPECT_EQ(version.code, kDone);
  EXPECT_EQ(version.out, "sstplb " SSTPLB_VERSION "\n");
  const Outcome help = RunExactly({"--help"});
  EXPECT_EQ(help.code, kDone);
  for (const char* word : {"run", "check", "demo", "status", "backend", "session", "explain",
                           "probe", "load", "events", "reload", "config", "3 no daemon"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
  EXPECT_THAT(RunExactly({"backend", "drain", "--help"}).out, HasSubstr("--within DURATION"));
}

}  // namespace
}  // namespace sstplb::cli
