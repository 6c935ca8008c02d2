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

class Daemon {
 public:
  // Opens the log, every listening socket and the admin sockets, and drops privileges. Nobody is
  // served yet. `config_file` is what a reload reads. The error says everything that failed.
  static Result<std::unique_ptr<Daemon>> Open(config::Config config, std::string config_file);
  ~Daemon();

  // Serves until SIGTERM or SIGINT (live sessions run on within shutdown_grace; a second signal
  // ends them at once) or RequestStop(). SIGHUP reloads. Once.
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

// `sstplb run`: the exit code.
int RunDaemon(const std::string& config_file);

// The admin.socket of a configuration file.
Result<std::string> AdminSocketOf(const std::string& config_file);

// `sstplb check`: prints every error and warning of the configuration and of this host.
int CheckConfig(const std::string& config_file);

}  // namespace sstplb::daemon
