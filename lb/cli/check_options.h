// The options of `sstplb check`.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "lb/cli/cli.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace sstplb::cli {

struct CheckTexts {
  CheckOptions options;
  std::string within;

  CheckOptions Read() const;
};

// `check` writes into what is returned: it must be kept until the command has run.
std::shared_ptr<CheckTexts> AddCheckOptions(CLI::App& check, const std::string& default_config);

}  // namespace sstplb::cli
