// The command line: `sstplb` and its words.
//
//   0  done            2  bad usage or configuration
//   1  refused, or     3  no daemon
//      the answer is no
//
// Commands that need the rest of the program are handed in, so that this room knows only the API.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/result.h"
#include "lb/base/time.h"
#include "lb/config/config.h"
#include "lb/load/report.h"

namespace sstplb::cli {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kNoDaemon = 3;

struct RunOptions {
  std::string config;
  bool takeover = false;
  std::string takeover_path;  // "": beside the admin socket of the configuration
};

struct CheckOptions {
  std::string config;
  std::vector<std::string> ignore;             // entries as of global.ignore_findings
  bool list = false;                           // every finding there is, and nothing else
  bool online = false;                         // probe the backends
  Duration within = std::chrono::seconds(30);  // with `online`
  bool json = false;                           // one JSON object, not lines
};

struct DemoOptions {
  bool check = false;
  std::optional<SocketAddress> listen;  // absent: the demo's own choice, here and below
  std::optional<SocketAddress> admin_http;
  std::optional<std::uint32_t> tunnels;
};

struct ProbeOptions {
  HostPort target;
  config::Probe probe;  // kind, server, depth, sni, verify, ca_file, proxy_protocol, timeout
  bool tls_versions = false;
  bool json = false;
};

struct LoadOptions {
  HostPort target;
  load::Options load;  // all but `server`
};

// What the program gives the command line. Each call returns an exit code.
struct Entry {
  std::function<int(const RunOptions&)> run;
  std::function<int(const CheckOptions&)> check;
  std::function<int(const DemoOptions&)> demo;
  std::function<int(const ProbeOptions&)> probe;
  std::function<int(const LoadOptions&, load::Watcher&)> load;
  // The admin.socket of a configuration file.
  std::function<Result<std::string>(const std::string& config)> admin_socket;
};

// Where a command talks to.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // `out` is one: a line may be drawn again
  bool colour = false;
  Duration wait_step = std::chrono::milliseconds(500);  // between two looks while waiting

  // stdout and stderr; colour unless NO_COLOR is set or TERM is "dumb".
  static Console Standard();
};

// `arguments` without the program's name. Never throws.
int Main(const std::vector<std::string>& arguments, const Entry& entry, Console& console);

}  // namespace sstplb::cli
