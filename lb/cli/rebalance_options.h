// The options of `sstplb rebalance`.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "lb/cli/commands.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace sstplb::cli {

struct RebalanceTexts {
  RebalanceOptions options;
  std::string budget, within;

  RebalanceOptions Read() const;
};

// `rebalance` writes into what is returned: it must be kept until the command has run.
std::shared_ptr<RebalanceTexts> AddRebalanceOptions(CLI::App& rebalance);

}  // namespace sstplb::cli
