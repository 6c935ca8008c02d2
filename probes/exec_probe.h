// kind = "exec": an operator's own command decides; status 0 is good.
//
// The command runs without a shell, in a process group of its own, with stdin from /dev/null, no
// other descriptor of this process, all signals at their defaults, and this environment only:
//
//   PATH             as this process has it
//   SSTPLB_POOL, SSTPLB_BACKEND
//   SSTPLB_ADDRESS   192.0.2.1:443 or [2001:db8::1]:443
//
// The first line it writes, to stdout or stderr, becomes the detail. At the deadline, and when the
// command itself has ended, its whole group is killed.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "lb/base/fd.h"
#include "probes/probe.h"

namespace sstplb::probes {

// Needs SIGCHLD not to be ignored in this process: the status would be lost.
class ExecProbe final : public Probe {
 public:
  ExecProbe(Loop& loop, ProbeRequest request);
  ~ExecProbe() override;

  void Start(Callback done) override;
  void Cancel() override;

 private:
  void Spawn();
  void OnOutput(ev::io& watcher, int events);
  void OnExit(ev::io& watcher, int events);
  void OnTimer(ev::timer& watcher, int events);
  void ReadOutput();
  void Kill();
  void Judge(int code, int status);
  void SetOutcome(Outcome outcome, std::string detail);
  void Report();

  Loop& loop_;
  ProbeRequest request_;
  ProbeReport report_;
  Callback done_;
  pid_t child_ = -1;
  Fd pidfd_;   // readable once the child has ended
  Fd output_;  // the reading end of its stdout and stderr
  ev::io exit_;
  ev::io readable_;
  ev::timer timer_;  // the deadline; then how long a killed child may take to vanish
  TimePoint started_;
  std::string line_;
  bool line_done_ = false;
  bool known_ = false;  // the outcome is
};

}  // namespace sstplb::probes
