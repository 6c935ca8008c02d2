// Daemon: all rooms wired together, from the log up to the admin server.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/control/api.h"

namespace sstplb::daemon {

class Takeover;

class Daemon {
 public:
  // Opens the log, every listening socket and the admin sockets, and drops privileges. Nobody is
  // served yet. `config_file` is what a reload reads. The error says everything that failed.
  // With a `takeover` (may be null) it is the successor of a running balancer, and has its sessions
  // when this returns: Run() must follow at once.
  static Result<std::unique_ptr<Daemon>> Open(config::Config config, std::string config_file,
                                              std::unique_ptr<Takeover> takeover);
  static Result<std::unique_ptr<Daemon>> Open(config::Config config, std::string config_file);
  ~Daemon();

  // Serves until SIGTERM or SIGINT (live sessions run on within shutdown_grace; a second signal
  // ends them at once), RequestStop(), or until another process has taken over. SIGHUP reloads,
  // SIGUSR2 upgrades. Once.
  void Run();

  // From any thread: as SIGTERM.
  void RequestStop();

  // For other threads, while Run() runs.
  control::Api& api();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

struct RunOptions {
  std::string config;  // the file
  bool takeover = false;
  std::string takeover_path;  // "": beside the admin socket of the configuration
};

// `sstplb run`: the exit code.
int RunDaemon(const RunOptions& options);

// The admin.socket of a configuration file.
Result<std::string> AdminSocketOf(const std::string& config_file);

}  // namespace sstplb::daemon
