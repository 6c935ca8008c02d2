// `sstplb load`: its options, and what they come to.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lb/base/result.h"
#include "lb/cli/cli.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11 calls itself so
class App;
}  // namespace CLI

namespace sstplb::cli {

// The words of the command line as they were given, and their meaning. Outlives the parse.
class LoadCommand {
 public:
  // Adds the command to `parent`, which outlives this.
  explicit LoadCommand(CLI::App& parent);

  CLI::App& app() { return *app_; }
  // After the parse. Returns the exit code.
  int Run(const Entry& entry, Console& console) const;

 private:
  // What the options say together; the error is bad usage.
  Result<LoadOptions> Read() const;
  Status ReadUser(load::Options& load) const;

  CLI::App* app_;
  std::string target_;
  std::uint32_t tunnels_;
  std::string ramp_, rate_, hold_, depth_, payload_, churn_, retry_;
  std::string sni_, host_, user_, password_file_;
  std::vector<std::string> sources_;
  std::string tls_, timeout_;
  unsigned workers_;
  bool json_ = false;
};

}  // namespace sstplb::cli
