// The result of `sstplb check` as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lb/base/time.h"
#include "lb/config/finding.h"
#include "lb/config/read.h"
#include "lb/daemon/farm_probe.h"

namespace sstplb::daemon {

struct CheckResult {
  bool valid = true;           // the daemon starts with it
  config::Findings findings;   // that are to be told
  config::Findings ignored;    // and those that are not
  config::Diagnostics errors;  // why the file cannot be read; there is no finding then
  FarmAnswers answers;         // with --online
};

// One object, indented, without an end of line; docs/lint.md has its form. Pure.
std::string CheckJson(const CheckResult& result, WallTime now);

}  // namespace sstplb::daemon
