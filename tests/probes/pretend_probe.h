// A prober whose probes only pretend: what they answer is set, what is done with them is seen.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "probes/scheduler.h"
#include "tests/probes/run_probe.h"

namespace sstplb::probes {

// What pretending probes answer, and what was seen of them.
struct Stage {
  explicit Stage(Loop& l) : loop(l) {}

  Loop& loop;
  std::map<std::string, Outcome> outcomes;  // by backend; else kOk
  std::string server_kind;
  std::vector<ProbeRequest> asked;
  Duration takes = std::chrono::milliseconds(5);
  Duration closes = std::chrono::milliseconds(1);
  int live = 0;
  int most_live = 0;
  std::map<std::string, int> live_of;
  bool overlapped = false;
  std::map<std::string, std::vector<TimePoint>> starts;
};

class PretendProbe final : public Probe {
 public:
  PretendProbe(Stage& stage, ProbeRequest request)
      : stage_(stage), request_(std::move(request)), timer_(stage.loop.ev()) {
    timer_.set<PretendProbe, &PretendProbe::OnTimer>(this);
    report_.outcome = Outcome::kOk;
    const auto wanted = stage_.outcomes.find(request_.backend);
    if (wanted != stage_.outcomes.end()) report_.outcome = wanted->second;
    report_.server_kind = stage_.server_kind;
  }
  ~PretendProbe() override {
    timer_.stop();
    if (!started_) return;
    --stage_.live;
    --stage_.live_of[request_.backend];
  }

  void Start(Callback done) override {
    done_ = std::move(done);
    started_ = true;
    stage_.asked.push_back(request_);
    stage_.starts[request_.backend].push_back(Clock::now());
    stage_.most_live = std::max(stage_.most_live, ++stage_.live);
    if (++stage_.live_of[request_.backend] > 1) stage_.overlapped = true;
    timer_.start(EvSeconds(stage_.takes));
  }
  void Cancel() override {
    report_.outcome = Outcome::kCancelled;
    timer_.stop();
    timer_.start(EvSeconds(stage_.closes));
  }

 private:
  void OnTimer(ev::timer&, int) {
    const Callback done = std::exchange(done_, nullptr);
    const ProbeReport report = report_;
    done(report);
  }

  Stage& stage_;
  ProbeRequest request_;
  ProbeReport report_;
  Callback done_;
  bool started_ = false;
  ev::timer timer_;
};

class ProberTest : public ::testing::Test {
 protected:
  struct Seen {
    std::string backend;
    Outcome outcome;
    Health before;
    Health after;
    std::string history;
    bool died;
  };

  std::unique_ptr<Prober> Make(std::size_t max_in_flight = 64) {
    Prober::Options options;
    options.max_in_flight = max_in_flight;
    options.make = [this](ProbeRequest request) {
      return std::make_unique<PretendProbe>(stage_, std::move(request));
    };
    return std::make_unique<Prober>(loop_, std::move(options), [this](const ProbeAnswer& answer) {
      seen_.push_back({answer.target.backend, answer.report.outcome, answer.before,
                       answer.state.health(), answer.state.History(), answer.died});
      if (on_answer_) on_answer_(answer);
    });
  }

  static ProbeRequest Target(const std::string& backend) {
    // Each stands at an address of its own: "vpn12" on port 1012.
    const int number = backend.size() > 3 ? std::stoi(backend.substr(3)) : 0;
    const auto port = static_cast<std::uint16_t>(1000 + number);
    ProbeRequest request = RequestFor(config::ProbeKind::kTcp, {IpAddress{}, port});
    request.backend = backend;
    request.settings.interval = std::chrono::milliseconds(100);
    request.settings.fast_interval = std::chrono::milliseconds(20);
    return request;
  }

  // Until `enough` says so; false when that takes ten seconds.
  bool RunUntil(const std::function<bool()>& enough) {
    const TimePoint end = Clock::now() + std::chrono::seconds(10);
    ev::timer tick(loop_.ev());
    tick.set<ProberTest, &ProberTest::OnTick>(this);
    tick.start(0.0, 0.002);
    while (!enough()) {
      if (Clock::now() > end) return false;
      loop_.ev().run(ev::ONCE);
    }
    return true;
  }
  void OnTick(ev::timer&, int) {}

  Loop loop_;
  Stage stage_{loop_};
  std::vector<Seen> seen_;
  std::function<void(const ProbeAnswer&)> on_answer_;
};

}  // namespace sstplb::probes
