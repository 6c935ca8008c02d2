// Runs one probe to its end on a loop of its own.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

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

inline std::string Word(const ProbeReport& report) { return std::string(ToString(report.outcome)); }

inline bool HasStep(const ProbeReport& report, Step step) {
  for (const StepTime& time : report.steps) {
    if (time.step == step) return true;
  }
  return false;
}

}  // namespace sstplb::probes
