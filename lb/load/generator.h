// Generator: runs a load from its first tunnel to its last: workers with a fleet each, and the
// phases ramp, hold, closing.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "lb/base/loop.h"
#include "lb/base/result.h"
#include "lb/load/fleet.h"
#include "lb/load/options.h"
#include "lb/load/report.h"

namespace sstplb::load {

// All on the thread of `loop`, which must not run any more when the generator is destroyed. What is
// still open then is closed without a word.
class Generator {
 public:
  // The watcher outlives the generator.
  Generator(Loop& loop, Options options, Watcher& watcher);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Fails when OpenSSL does.
  Status Start();
  // Ends the load now, in order: the report comes within seconds. Later calls do nothing.
  void Stop();

 private:
  struct Worker {
    Worker(unsigned share, const Options& options, const tunnel::TlsContext& context);
    LoopThread thread;
    Fleet fleet;
    Counts counts;  // as last told
    bool ended = false;
  };
  struct Sample {
    TimePoint at;
    std::uint64_t came_up = 0;
    std::uint64_t bytes = 0;
  };

  void OnLook(ev::timer& timer, int events);
  void OnDeadline(ev::timer& timer, int events);
  void OnCounts();
  void OnFigures(Worker& worker, const Figures& figures);
  void Enter(Phase phase);
  void Close(bool interrupted);
  void Finish();
  Progress MakeProgress();

  Loop& loop_;
  const Options options_;
  Watcher& watcher_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Phase phase_ = Phase::kRamp;
  TimePoint phase_began_;
  ev::timer look_;
  ev::timer deadline_;       // of the hold, then of the closing
  std::size_t awaited_ = 0;  // answers to the last look
  std::deque<Sample> samples_;
  Report report_;
  bool finished_ = false;
};

}  // namespace sstplb::load
