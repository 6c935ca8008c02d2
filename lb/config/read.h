// Reads a configuration file: a whole, valid Config, or everything that is wrong with it.
//
// What is checked here needs the text alone: types, ranges, names, references. Whether the
// configuration is wise is lint.h's matter, whether it fits this host host_check.h's.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/config/diagnostic.h"

namespace sstplb::config {

using Diagnostics = std::vector<Diagnostic>;

// All errors of the text in one run, by their place. `file_name` is what they are reported under.
Result<Config, Diagnostics> ReadText(std::string_view text, const std::string& file_name,
                                     Config* partial = nullptr);

// As ReadText. Files above 4 MiB are refused. With errors, `partial` gets what could be read all
// the same: to look for what else is wrong, never to run with.
Result<Config, Diagnostics> ReadFile(const std::string& path, Config* partial = nullptr);

}  // namespace sstplb::config
