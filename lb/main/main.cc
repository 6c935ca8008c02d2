// sstplb: the program.
//
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>

#include "lb/daemon/daemon.h"
#include "lb/daemon/demo.h"

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "run" && argc > 3) return sstplb::daemon::RunDaemon(argv[3]);
  if (command == "check" && argc > 3) return sstplb::daemon::CheckConfig(argv[3]);
  sstplb::daemon::DemoOptions options;
  options.check = argc > 2 && std::strcmp(argv[2], "--check") == 0;
  if (command == "demo") return sstplb::daemon::RunDemo(options);
  return 2;
}
