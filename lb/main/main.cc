// sstplb: the program. Hands the command line what the daemon can do.
//
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "lb/cli/cli.h"
#include "lb/daemon/check.h"
#include "lb/daemon/daemon.h"
#include "lb/daemon/demo.h"
#include "lb/daemon/load_command.h"
#include "lb/daemon/probe_command.h"

namespace {

int Demo(const sstplb::cli::DemoOptions& given) {
  sstplb::daemon::DemoOptions options;
  options.check = given.check;
  options.listen = given.listen.value_or(options.listen);
  options.http = given.admin_http.value_or(options.http);
  options.tunnels = given.tunnels.value_or(options.tunnels);
  return sstplb::daemon::RunDemo(options);
}

int Check(const sstplb::cli::CheckOptions& given) {
  if (given.list) return sstplb::daemon::ListFindings();
  sstplb::daemon::CheckRequest request{
      .config = given.config, .ignore = given.ignore, .online_within = {}, .json = given.json};
  if (given.online) request.online_within = given.within;
  return sstplb::daemon::CheckConfig(request);
}

}  // namespace

int main(int argc, char** argv) {
  namespace cli = sstplb::cli;
  namespace daemon = sstplb::daemon;
  namespace load = sstplb::load;
  const cli::Entry entry{
      .run =
          [](const cli::RunOptions& o) {
            return daemon::RunDaemon(
                {.config = o.config, .takeover = o.takeover, .takeover_path = o.takeover_path});
          },
      .check = Check,
      .demo = Demo,
      .probe =
          [](const cli::ProbeOptions& o) {
            return daemon::RunProbe(o.target, o.probe, {o.json, o.tls_versions});
          },
      .load = [](const cli::LoadOptions& o,
                 load::Watcher& w) { return daemon::RunLoad(o.target, o.load, w); },
      .admin_socket = daemon::AdminSocketOf,
  };
  cli::Console console = cli::Console::Standard();
  return cli::Main(std::vector<std::string>(argv + 1, argv + argc), entry, console);
}
