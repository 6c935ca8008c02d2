// Interrupts: Ctrl-C for commands that have something to end in order first.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "lb/base/loop.h"

namespace sstplb::daemon {

// While it lives the first SIGINT or SIGTERM calls `first`, from the loop; from then on, and after
// its end, signals do what they do by default. One in a process at a time, on the loop's thread.
class Interrupts {
 public:
  Interrupts(Loop& loop, std::function<void()> first);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  void OnSignal(ev::sig& watcher, int events);
  void GiveBack();

  std::function<void()> first_;
  ev::sig interrupt_;
  ev::sig terminate_;
};

}  // namespace sstplb::daemon
