// Runs one probe to its end on a loop of its own.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/loop.h"
#include "probes/probe.h"

namespace sstplb::probes {

inline ProbeRequest RequestFor(config::ProbeKind kind, const SocketAddress& address) {
  ProbeRequest request;
  request.pool = "main";
  request.backend = "vpn1";
  request.address = address;
  request.settings.kind = kind;
  request.settings.timeout = std::chrono::seconds(3);
  request.server_name = "vpn.example.com";
  return request;
}

// The report, or a failure of the test after ten seconds. `meddle` runs `after` the start.
inline ProbeReport RunProbe(const ProbeRequest& request, Duration after = Duration::zero(),
                            const std::function<void(Probe&)>& meddle = nullptr) {
  Loop loop;
  TlsContexts contexts;
  std::optional<ProbeReport> report;
  const std::unique_ptr<Probe> probe = MakeProbe(loop, contexts, request);
  struct Timers {
    void OnEnd(ev::timer&, int) { loop->Stop(); }
    void OnMeddle(ev::timer&, int) { (*meddle)(*probe); }
    Loop* loop;
    Probe* probe;
    const std::function<void(Probe&)>* meddle;
  } timers{&loop, probe.get(), &meddle};
  ev::timer end(loop.ev());
  end.set<Timers, &Timers::OnEnd>(&timers);
  end.start(10.0);
  ev::timer later(loop.ev());
  later.set<Timers, &Timers::OnMeddle>(&timers);
  if (meddle) later.start(EvSeconds(after));
  bool starting = true;
  probe->Start([&](const ProbeReport& got) {
    EXPECT_FALSE(starting) << "the callback came from within Start()";
    EXPECT_FALSE(report) << "a second outcome";
    report = got;
    loop.Stop();
  });
  starting = false;
  loop.Run();
  EXPECT_TRUE(report) << "no outcome";
  return report.value_or(ProbeReport{});
}

// All of them at once; fewer reports than requests, and a failure, after 30 seconds.
inline std::vector<ProbeReport> RunProbes(const std::vector<ProbeRequest>& requests) {
  Loop loop;
  TlsContexts contexts;
  std::vector<ProbeReport> reports(requests.size());
  std::vector<std::unique_ptr<Probe>> probes;
  std::size_t left = requests.size();
  struct End {
    void OnEnd(ev::timer&, int) { loop->Stop(); }
    Loop* loop;
  } ends{&loop};
  ev::timer end(loop.ev());
  end.set<End, &End::OnEnd>(&ends);
  end.start(30.0);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    probes.push_back(MakeProbe(loop, contexts, requests[i]));
    probes.back()->Start([&, i](const ProbeReport& got) {
      reports[i] = got;
      if (--left == 0) loop.Stop();
    });
  }
  loop.Run();
  EXPECT_EQ(left, 0u) << "without an outcome";
  if (left > 0) reports.clear();
  return reports;
}

inline std::string Word(const ProbeReport& report) { return std::string(ToString(report.outcome)); }

inline bool HasStep(const ProbeReport& report, Step step) {
  for (const StepTime& time : report.steps) {
    if (time.step == step) return true;
  }
  return false;
}

}  // namespace sstplb::probes
