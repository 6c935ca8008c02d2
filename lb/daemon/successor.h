// Successor: the process of the binary on disk that is to take over from this one.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>
#include <sys/types.h>

#include <functional>
#include <string>

#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/base/result.h"

namespace sstplb::daemon {

// Where the binary of this process was when it was started: an upgrade puts another there.
std::string OwnBinary();

// Belongs to the loop's thread. The process is not touched when this is destroyed.
class Successor {
 public:
  // `ended` is told when the process is over, with how it ended, for a person.
  Successor(Loop& loop, std::function<void(const std::string& how)> ended);
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  bool running() const { return process_.valid(); }

  // Starts `binary run --config FILE --takeover PATH`, with the environment, standard output and
  // error of this process, and with the capabilities it has.
  Result<pid_t> Start(const std::string& binary, const std::string& config_file,
                      const std::string& handoff_path);
  // Ends it, if it runs.
  void Kill();

 private:
  void OnEnd(ev::io&, int);

  const std::function<void(const std::string&)> ended_;
  Fd process_;  // a pidfd
  ev::io end_;
};

}  // namespace sstplb::daemon
