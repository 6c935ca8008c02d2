// SPDX-License-Identifier: Apache-2.0
#include "lb/cli/load_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "lb/cli/load_screen.h"

namespace sstplb::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

load::Progress Ramping() {
  load::Progress progress;
  progress.tunnels = 100;
  progress.hold = 60s;
  progress.counts.started = 54;
  progress.counts.came_up = 45;
  progress.counts.up = 44;
  progress.counts.lost = 1;
  progress.counts.failed = 5;
  progress.came_up_per_second = 9.8;
  return progress;
}

TEST(LoadLine, TellsHowARampGoes) {
  EXPECT_EQ(LoadLine(Ramping()), "ramp  54 of 100  44 up  4 setting up  5 failed  1 lost  9.8/s");
  EXPECT_THAT(LoadBar(Ramping()), StartsWith("[##########----------] ramp  54 of 100"));
}

TEST(LoadLine, TellsHowAHoldGoes) {
  load::Progress progress = Ramping();
  progress.phase = load::Phase::kHold;
  progress.elapsed = 15s;
  progress.payload = true;
  progress.bytes_per_second = 2.0 * (1 << 20);
  EXPECT_THAT(LoadLine(progress), StartsWith("hold  15.0s of 1m  44 up"));
  EXPECT_THAT(LoadLine(progress), EndsWith("2.0 MiB/s"));
  EXPECT_THAT(LoadBar(progress), StartsWith("[#####---------------] hold"));
}

TEST(LoadLine, TheBarKeepsItsBounds) {
  load::Progress progress;
  EXPECT_THAT(LoadBar(progress), StartsWith("[####################] "));
  progress.phase = load::Phase::kHold;
  progress.elapsed = 90s;
  progress.hold = 60s;
  EXPECT_THAT(LoadBar(progress), StartsWith("[####################] "));
  progress.phase = load::Phase::kClosing;
  progress.counts.came_up = 4;
  progress.counts.closed = 1;
  EXPECT_THAT(LoadBar(progress), StartsWith("[#####---------------] closing  3 left"));
}

load::Report Troubled() {
  using tunnel::TunnelEnd;
  load::Report report;
  report.options.target = "vpn.example:443";
  report.options.server = *SocketAddress::Parse("192.0.2.1:443");
  report.options.tunnels = 10;
  report.options.depth = load::Depth::kPpp;
  report.options.payload = 1024;
  report.ramp = 1s;
  report.hold = 2s;
  load::Figures& figures = report.figures;
  figures.counts.started = 10;
  figures.counts.came_up = 8;
  figures.counts.failed = 2;
  figures.counts.lost = 1;
  figures.counts.closed = 7;
  figures.counts.left_open = 3;
  for (int i = 1; i <= 10; ++i) figures.steps[0].took.Add(i * 1ms);
  for (int i = 1; i <= 8; ++i) figures.setup.Add(i * 10ms);
  figures.steps[1].failed = 2;
  figures.steps[1].reasons.At({TunnelEnd::kTimeout, ""}) = 1;
  figures.steps[1].reasons.At({TunnelEnd::kTlsFailed, "bad\x1b[31mness\xff"}) = 1;
  figures.losses.At({TunnelEnd::kReset, ""}).Add(1500ms);
  figures.held_bytes_sent = 20480;
  figures.held_bytes_received = 10240;
  figures.pings.Add(3ms);
  figures.pings_sent = 5;
  figures.certificates.At({1}) = 5;
  figures.certificates.At({2}) = 3;
  return report;
}

TEST(LoadText, HasStepsReasonsAndTheSum) {
  const std::string text = LoadText(Troubled(), false);
  for (const char* part : {"vpn.example:443 (192.0.2.1:443), depth ppp: ramp 1.0s, held 2.0s",
                           "STEP  DONE  FAILED    MIN    P50    P90    P99    MAX\n",
                           "tcp     10       0  1.0ms  5.1ms  9.1ms   10ms   10ms\n",
                           "tls      0       2      -      -      -      -      -\n",
                           "ping     1       -  3.0ms", "timeout", "tls_failed: bad?[31mness?",
                           "reset                      1.5s to 1.5s, half by 1.5s",
                           "10 started, 8 came up, 2 failed, 1 lost, 7 ended in order",
                           "3 were still open 2 s after Call Disconnect",
                           "10.0 KiB/s sent, 5.0 KiB/s received; asked for 10.0 KiB/s",
                           "pings: 5 sent, 1 answered", "01000000 5, 02000000 3"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(LoadText(Troubled(), true), HasSubstr("\x1b[31m"));
}

TEST(LoadText, SaysNothingOfWhatWasNotAsked) {
  load::Report report;
  const std::string text = LoadText(report, false);
  for (const char* part : {"ppp ", "ping", "payload", "WHERE", "certificate", "interrupted"}) {
    EXPECT_THAT(text, Not(HasSubstr(part)));
  }
  report.interrupted = true;
  report.complete = false;
  EXPECT_THAT(LoadText(report, false), HasSubstr("interrupted"));
  EXPECT_THAT(LoadText(report, false), HasSubstr("incomplete"));
}

TEST(LoadJson, HasEveryFigure) {
  const auto json = nlohmann::ordered_json::parse(LoadJson(Troubled()));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("good", "interrupted", "complete", "options", "ramp_seconds",
                                "held_seconds", "closing_seconds", "started", "came_up", "failed",
                                "lost", "closed", "left_open", "given_up", "steps", "setup",
                                "losses", "payload", "pings", "certificates"));
  EXPECT_EQ(json["good"], false);
  EXPECT_EQ(json["steps"].size(), 5u);
  EXPECT_EQ(json["steps"][0]["step"], "tcp");
  EXPECT_EQ(json["steps"][0]["count"], 10);
  EXPECT_NEAR(json["steps"][0]["p50_seconds"].get<double>(), 0.005, 0.0001);
  EXPECT_TRUE(json["steps"][1]["p50_seconds"].is_null());
  EXPECT_EQ(json["steps"][1]["failures"].size(), 2u);
  EXPECT_EQ(json["losses"][0]["reason"], "reset");
  EXPECT_EQ(json["losses"][0]["age"]["max_seconds"], 1.5);
  EXPECT_EQ(json["payload"]["sent_bytes_per_second"], 10240);
  EXPECT_EQ(json["pings"]["sent"], 5);
  EXPECT_EQ(json["certificates"][0]["tunnels"], 5);
  EXPECT_TRUE(json["options"]["churn_per_second"].is_null());
}

class LoadScreenTest : public ::testing::Test {
 protected:
  void Show(bool terminal, bool json) {
    Console console{.out = out_, .err = err_, .terminal = terminal};
    LoadScreen screen(console, json);
    screen.OnPhase(Ramping());
    screen.OnProgress(Ramping());
    screen.OnReport(Troubled());
  }
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(LoadScreenTest, ATerminalHasOneLineThatIsDrawnAgain) {
  Show(true, false);
  EXPECT_THAT(err_.str(), IsEmpty());
  EXPECT_THAT(out_.str(), StartsWith("\r\x1b[K[###"));
  EXPECT_THAT(out_.str(), HasSubstr("\r\x1b[Kvpn.example:443"));
}

TEST_F(LoadScreenTest, AFileHasTheReportAlone) {
  Show(false, false);
  EXPECT_EQ(err_.str(), LoadLine(Ramping()) + "\n");
  EXPECT_EQ(out_.str(), LoadText(Troubled(), false));
}

TEST_F(LoadScreenTest, JsonIsAloneOnTheOutput) {
  Show(true, true);
  EXPECT_EQ(err_.str(), LoadLine(Ramping()) + "\n");
  EXPECT_EQ(out_.str(), LoadJson(Troubled()));
}

}  // namespace
}  // namespace sstplb::cli
