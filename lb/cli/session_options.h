// The filters of `sstplb session list` and `sstplb session close`.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "lb/cli/client.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace sstplb::cli {

// What the options say; "" where one is absent.
struct SessionFilterTexts {
  std::string backend, pool, listener, source, sni, older, idle, liveness;

  // Of the API.
  Parameters ToParameters() const;
};

// `command` writes into what is returned: it must be kept until the command has run.
std::shared_ptr<SessionFilterTexts> AddSessionFilter(CLI::App& command);

}  // namespace sstplb::cli
