// `sstplb check`: what is wrong with a configuration or this host, and what could be better.
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "lb/config/host_check.h"
#include "lb/config/host_facts.h"
#include "lb/config/lint.h"
#include "lb/config/read.h"
#include "lb/daemon/daemon.h"

namespace sstplb::daemon {

int CheckConfig(const std::string& config_file) {
  const auto config = config::ReadFile(config_file);
  if (!config) {
    for (const auto& diagnostic : config.error()) {
      std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
    }
    std::fprintf(stderr, "%zu error%s\n", config.error().size(),
                 config.error().size() == 1 ? "" : "s");
    return 2;
  }
  config::Findings findings = config::Lint(*config);
  const config::Findings host = config::CheckHost(*config, config::GatherHostFacts(*config));
  findings.insert(findings.end(), host.begin(), host.end());
  for (const config::Finding& finding : findings) std::printf("%s\n", finding.ToString().c_str());
  const bool broken = std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.severity == config::Severity::kError;
  });
  std::printf("%s: %s\n", config_file.c_str(),
              broken ? "the daemon cannot start like this"
                     : (findings.empty() ? "good" : "valid, see above"));
  return broken ? 2 : 0;
}

}  // namespace sstplb::daemon
