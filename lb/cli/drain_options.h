// The options of `sstplb drain` and `sstplb backend drain`.
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

// What a drain's options say; they are read when the command runs.
struct DrainTexts {
  DrainOptions options;
  std::string within, pace, at;

  DrainOptions Read() const;
};

// `drain` writes into what is returned: it must be kept until the command has run.
std::shared_ptr<DrainTexts> AddDrainOptions(CLI::App& drain);

}  // namespace sstplb::cli
