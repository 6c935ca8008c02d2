// Whole loads against the demo farm: what they report, and what they leave behind.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/load/generator.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>

#include "tests/demo/farm_helpers.h"

namespace sstplb::load {
namespace {

using demo::Farm;
using demo::Fault;
using demo::FaultKind;
using demo::Idle;
using demo::kPatience;
using demo::QuickServer;
using demo::ServerCounters;
using demo::StartFarm;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tunnel::TunnelDepth;

// A load on a loop of the test's own, run to its report.
class OneLoad final : private Watcher {
 public:
  explicit OneLoad(const Options& options) : generator_(loop_, options, *this) {}

  // Called on every phase and progress; may stop the load.
  std::function<void(OneLoad&, const Progress&)> on_phase;
  std::function<void(OneLoad&, const Progress&)> on_progress;

  void Stop() { generator_.Stop(); }

  Report ToTheEnd() {
    ev::timer patience(loop_.ev());
    patience.set<OneLoad, &OneLoad::OnTooLate>(this);
    patience.start(EvSeconds(kPatience));
    EXPECT_TRUE(generator_.Start().ok());
    loop_.Run();
    return report_.value_or(Report());
  }

 private:
  void OnPhase(const Progress& progress) override {
    if (on_phase) on_phase(*this, progress);
  }
  void OnProgress(const Progress& progress) override {
    if (on_progress) on_progress(*this, progress);
  }
  void OnReport(const Report& report) override {
    report_ = report;
    loop_.Stop();
  }
  void OnTooLate(ev::timer&, int) {
    ADD_FAILURE() << "no report in time";
    loop_.Stop();
  }

  Loop loop_;
  std::optional<Report> report_;
  Generator generator_;
};

Options OptionsFor(const Farm& farm) {
  Options options;
  options.server = farm.address(0);
  options.target = options.server.ToString();
  options.host = "vpn.sstp.test";
  options.user = "demo";
  options.password = "demo";
  options.tunnels = 12;
  options.start_every = milliseconds(2);
  options.hold = milliseconds(1);
  options.timeout = kPatience;
  return options;
}

void ExpectNothingLeft(const Farm& farm) {
  EXPECT_TRUE(farm.Await(0, Idle, kPatience));
  EXPECT_EQ(farm.counters(0).half_open_left, 0u);
}

std::string Failures(const Report& report, Step step) {
  std::string text;
  for (const auto& [reason, count] :
       report.figures.steps[static_cast<std::size_t>(step)].reasons.all()) {
    text += std::to_string(count) + " " + reason.Text() + "; ";
  }
  return text;
}

TEST(Generator, EveryDepthComesUpIsTimedAndEndsInOrder) {
  const auto farm = StartFarm();
  for (const TunnelDepth depth :
       {TunnelDepth::kTls, TunnelDepth::kPost, TunnelDepth::kCall, TunnelDepth::kPpp}) {
    SCOPED_TRACE(ToString(depth));
    Options options = OptionsFor(*farm);
    options.depth = depth;
    const Report report = OneLoad(options).ToTheEnd();
    EXPECT_TRUE(report.Good());
    EXPECT_FALSE(report.interrupted);
    const Counts& counts = report.figures.counts;
    EXPECT_EQ(counts.started, 12u);
    EXPECT_EQ(counts.came_up, 12u);
    EXPECT_EQ(counts.closed, 12u);
    EXPECT_EQ(counts.left_open, 0u);
    EXPECT_EQ(counts.up, 0u);
    EXPECT_EQ(report.figures.setup.count(), 12u);
    for (std::size_t i = 0; i < kSteps; ++i) {
      const Histogram& took = report.figures.steps[i].took;
      EXPECT_EQ(took.count(), i < StepsOf(depth) ? 12u : 0u) << i;
      EXPECT_EQ(took.min().count() > 0, i < StepsOf(depth)) << i;
    }
    ASSERT_EQ(report.figures.certificates.all().size(), 1u);
    EXPECT_EQ(report.figures.certificates.all().begin()->first, farm->certificate(0).sha256);
    ExpectNothingLeft(*farm);
  }
}

TEST(Generator, NamesEveryFaultAndItsStep) {
  struct Case {
    Fault fault;
    Step step;
    const char* reasons;
  };
  const Case cases[] = {
      {{FaultKind::kRefuse}, Step::kTcp, "3 connect_failed: Connection refused; "},
      {{FaultKind::kHangAtTls}, Step::kTls, "3 timeout; "},
      {{FaultKind::kTlsAlert}, Step::kTls, "3 tls_failed: sslv3 alert handshake failure; "},
      {{FaultKind::kHangAtPost}, Step::kPost, "3 timeout; "},
      {{FaultKind::kHttpStatus, 503}, Step::kPost, "3 http_refused: 503 Service Unavailable; "},
      {{FaultKind::kCloseAfterPost}, Step::kPost, "3 closed; "},
      {{FaultKind::kNak}, Step::kCall, "3 nak: value_not_supported; "},
      {{FaultKind::kReset}, Step::kCall, "3 reset; "},
      {{FaultKind::kAbortAfterAck}, Step::kPpp, "3 aborted; "},
  };
  const auto farm = StartFarm();
  for (const Case& row : cases) {
    SCOPED_TRACE(ToString(row.fault.kind));
    ASSERT_TRUE(farm->SetFault(0, row.fault).ok());
    Options options = OptionsFor(*farm);
    options.tunnels = 3;
    options.depth = TunnelDepth::kPpp;
    const std::string_view reasons = row.reasons;
    if (reasons == "3 timeout; ") options.timeout = milliseconds(600);
    const Report report = OneLoad(options).ToTheEnd();
    EXPECT_FALSE(report.Good());
    EXPECT_EQ(report.figures.counts.failed, 3u);
    EXPECT_EQ(report.hold.count(), 0) << "held although nothing was up";
    EXPECT_EQ(Failures(report, row.step), reasons);
    for (std::size_t i = 0; i < kSteps; ++i) {
      const auto failing = static_cast<std::size_t>(row.step);
      EXPECT_EQ(report.figures.steps[i].failed, i == failing ? 3u : 0u) << i;
      EXPECT_EQ(report.figures.steps[i].took.count(), i < failing ? 3u : 0u) << i;
    }
    ASSERT_TRUE(farm->SetFault(0, {}).ok());
    ExpectNothingLeft(*farm);
  }
}

// Which of the two is seen depends on who is faster.
TEST(Generator, NamesACloseAtOnce) {
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kCloseAtAccept}).ok());
  const Report report = OneLoad(OptionsFor(*farm)).ToTheEnd();
  EXPECT_EQ(report.figures.counts.failed, 12u);
  EXPECT_EQ(report.figures.steps[static_cast<std::size_t>(Step::kTls)].failed, 12u);
  for (const auto& [reason, count] : report.figures.steps[1].reasons.all()) {
    EXPECT_TRUE(reason.Text() == "closed" || reason.Text() == "reset") << reason.Text();
  }
}

TEST(Generator, TellsTunnelsThatAreLostWhileHeld) {
  for (const bool reset : {false, true}) {
    const auto farm = StartFarm();
    Options options = OptionsFor(*farm);
    options.depth = TunnelDepth::kPpp;
    options.hold = std::chrono::minutes(5);  // it ends when the last is lost
    OneLoad run(options);
    run.on_phase = [&](OneLoad&, const Progress& progress) {
      if (progress.phase != Phase::kHold) return;
      EXPECT_EQ(progress.counts.up, 12u);
      // A client sees the last answer of its set-up before the server has read the end of it.
      EXPECT_TRUE(farm->Await(
          0, [](const ServerCounters& c) { return c.tunnels == 12; }, kPatience));
      farm->DropAll(0, reset);
    };
    const Report report = run.ToTheEnd();
    EXPECT_FALSE(report.Good());
    EXPECT_EQ(report.figures.counts.lost, 12u);
    ASSERT_EQ(report.figures.losses.all().size(), 1u);
    const auto& [reason, ages] = *report.figures.losses.all().begin();
    EXPECT_EQ(reason.Text(), reset ? "reset" : "disconnected");
    EXPECT_EQ(ages.count(), 12u);
    EXPECT_GT(ages.min().count(), 0);
    EXPECT_LT(ages.max(), kPatience);
    ExpectNothingLeft(*farm);
  }
}

TEST(Generator, ExchangesTunnelsWhileHeld) {
  const auto farm = StartFarm();
  Options options = OptionsFor(*farm);
  options.tunnels = 5;
  options.workers = 2;
  options.churn_every = milliseconds(10);
  options.hold = std::chrono::minutes(5);
  OneLoad run(options);
  run.on_progress = [](OneLoad& self, const Progress& progress) {
    EXPECT_LE(progress.counts.up + progress.counts.SettingUp(), 5u);
    if (progress.counts.closed >= 20) self.Stop();
  };
  const Report report = run.ToTheEnd();
  EXPECT_GE(report.figures.counts.closed, 25u);
  EXPECT_EQ(report.figures.counts.lost, 0u);
  EXPECT_EQ(report.figures.counts.failed, 0u);
  EXPECT_TRUE(report.interrupted);
  ExpectNothingLeft(*farm);
}

// A client that failed comes back from its own address: as many of each as were asked for.
TEST(Generator, WhoComesBackComesFromItsOwnAddress) {
  const auto farm = StartFarm();
  Options options = OptionsFor(*farm);
  options.depth = TunnelDepth::kPpp;
  options.start_every = milliseconds(100);
  options.retry = milliseconds(300);
  std::multiset<std::string> expected;
  for (std::uint32_t i = 1; i <= options.tunnels; ++i) {
    options.sources.push_back(IpAddress::V4({127, 0, 6, static_cast<std::uint8_t>(i)}));
    expected.insert(options.sources.back().ToString());
  }
  options.hold = std::chrono::minutes(5);
  OneLoad run(options);
  std::multiset<std::string> clients;
  run.on_progress = [&](OneLoad& self, const Progress& progress) {
    // Some in the middle fail.
    const bool fails = progress.counts.started >= 3 && progress.counts.failed < 2;
    EXPECT_TRUE(farm->SetFault(0, fails ? Fault{FaultKind::kHttpStatus, 503} : Fault{}).ok());
    if (progress.counts.up < options.tunnels || !clients.empty()) return;
    for (const demo::TunnelInfo& tunnel : farm->tunnels(0)) {
      clients.insert(tunnel.peer.ip.ToString());
    }
    self.Stop();
  };
  const Report report = run.ToTheEnd();
  EXPECT_GE(report.figures.counts.failed, 2u);
  EXPECT_EQ(clients, expected);
  ExpectNothingLeft(*farm);
}

TEST(Generator, PayloadGoesBothWaysAndIsTimed) {
  const auto farm = StartFarm();
  Options options = OptionsFor(*farm);
  options.tunnels = 4;
  options.depth = TunnelDepth::kPpp;
  options.payload = 40000;
  options.hold = seconds(1);
  const Report report = OneLoad(options).ToTheEnd();
  EXPECT_TRUE(report.Good());
  const Figures& figures = report.figures;
  EXPECT_GT(figures.pings_sent, 20u);
  EXPECT_GT(figures.pings.count(), 20u);
  EXPECT_GT(figures.held_bytes_sent, 20000u);
  EXPECT_GT(figures.held_bytes_received, 20000u);
  // Some packets more than the rate, for headers and rounding, but no more than that.
  EXPECT_LT(static_cast<double>(figures.held_bytes_sent), 4 * 40000 * 1.2 * Seconds(report.hold));
  ExpectNothingLeft(*farm);
}

TEST(Generator, StoppedWhileRampingItGivesBackWhatIsOpen) {
  const auto farm = StartFarm();
  Options options = OptionsFor(*farm);
  options.depth = TunnelDepth::kPpp;
  options.start_every = milliseconds(20);
  options.tunnels = 100000;
  OneLoad run(options);
  run.on_progress = [](OneLoad& self, const Progress& progress) {
    if (progress.counts.came_up < 3) return;
    self.Stop();
    self.Stop();  // does nothing
  };
  const Report report = run.ToTheEnd();
  EXPECT_TRUE(report.interrupted);
  EXPECT_FALSE(report.Good());
  const Counts& counts = report.figures.counts;
  EXPECT_GE(counts.came_up, 3u);
  EXPECT_EQ(counts.closed, counts.came_up);
  EXPECT_EQ(counts.started, counts.came_up + counts.given_up);
  EXPECT_EQ(report.hold.count(), 0);
  ExpectNothingLeft(*farm);
}

TEST(Generator, StoppedBeforeTheFirstAnswerItEndsTheSame) {
  const auto farm = StartFarm();
  ASSERT_TRUE(farm->SetFault(0, {FaultKind::kHangAtTls}).ok());
  Options options = OptionsFor(*farm);
  OneLoad run(options);
  run.on_progress = [](OneLoad& self, const Progress& progress) {
    if (progress.counts.SettingUp() == 12) self.Stop();
  };
  const Report report = run.ToTheEnd();
  EXPECT_EQ(report.figures.counts.given_up, 12u);
  EXPECT_EQ(report.figures.counts.failed, 0u);
  EXPECT_FALSE(report.Good());
  ExpectNothingLeft(*farm);
}

TEST(Generator, AServerThatKeepsConnectionsIsTold) {
  demo::ServerOptions server = QuickServer();
  server.personality.close_delay = std::chrono::minutes(5);
  const auto farm = StartFarm(server);
  Options options = OptionsFor(*farm);
  options.tunnels = 2;
  const Report report = OneLoad(options).ToTheEnd();
  EXPECT_EQ(report.figures.counts.closed, 2u);
  EXPECT_EQ(report.figures.counts.left_open, 2u);
  EXPECT_TRUE(farm->Await(0, Idle, kPatience));
}

TEST(Generator, WorkersAndSourcesShareTheTunnels) {
  const auto farm = StartFarm();
  Options options = OptionsFor(*farm);
  options.depth = TunnelDepth::kPpp;
  options.tunnels = 7;
  options.workers = 3;
  options.sni = "vpn.sstp.test";
  options.tls = tunnel::TlsVersion::k12;
  options.sources = {*IpAddress::Parse("127.0.5.1"), *IpAddress::Parse("127.0.5.2")};
  OneLoad run(options);
  std::multiset<std::string> clients;
  run.on_phase = [&](OneLoad&, const Progress& progress) {
    if (progress.phase != Phase::kHold) return;
    for (const demo::TunnelInfo& tunnel : farm->tunnels(0)) {
      clients.insert(tunnel.peer.ip.ToString());
      EXPECT_EQ(tunnel.server_name, "vpn.sstp.test");
    }
  };
  const Report report = run.ToTheEnd();
  EXPECT_TRUE(report.Good());
  EXPECT_EQ(clients.count("127.0.5.1"), 4u);
  EXPECT_EQ(clients.count("127.0.5.2"), 3u);
  ExpectNothingLeft(*farm);
}

}  // namespace
}  // namespace sstplb::load
