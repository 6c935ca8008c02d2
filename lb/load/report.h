// Progress and Report: how a load stands, and what came of it. Plain values.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "lb/base/time.h"
#include "lb/load/figures.h"
#include "lb/load/options.h"

namespace sstplb::load {

enum class Phase : std::uint8_t {
  kRamp,     // tunnels are started, and the last of them set up
  kHold,     // they are kept
  kClosing,  // they are ended
};
std::string_view ToString(Phase phase);

struct Progress {
  Phase phase = Phase::kRamp;
  Duration elapsed{};         // in this phase
  std::uint32_t tunnels = 0;  // as asked for, as is
  Duration hold{};
  bool payload = false;
  Counts counts;
  // Over about the last second.
  double came_up_per_second = 0;
  double bytes_per_second = 0;  // both ways
};

struct Report {
  Options options;
  Figures figures;
  Duration ramp{};  // how long the phases took
  Duration hold{};
  Duration closing{};
  bool interrupted = false;  // stopped before its time
  bool complete = true;      // false: a worker did not answer at the end, and is not in here

  // Every tunnel that was asked for came up, and all stayed until they were ended.
  bool Good() const;
};

// Told on the thread of the generator's loop.
class Watcher {
 public:
  virtual void OnPhase(const Progress& progress) = 0;     // a new one has begun
  virtual void OnProgress(const Progress& progress) = 0;  // a few times a second
  virtual void OnReport(const Report& report) = 0;        // the end; the last call

 protected:
  ~Watcher() = default;
};

}  // namespace sstplb::load
