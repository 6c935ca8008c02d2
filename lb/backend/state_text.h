// State text: what is kept over a restart, as a value and as the text of a file.
//
// Pure: no file and no clock. The grammar and the rules of its versions are docs/state_file.md.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/base/result.h"
#include "lb/base/time.h"

namespace sstplb::backend {

// A part of the file that this version does not know: carried along, so that an older sstplb does
// not lose what a newer one kept.
struct StateSection {
  std::string name;
  std::string json;  // compact

  bool operator==(const StateSection&) const = default;
};

struct State {
  std::vector<Decision> decisions;
  std::vector<StateSection> others;  // give back what ParseState() found

  bool operator==(const State&) const = default;
};

// Times are kept in milliseconds, cut towards the past. An error when a string is not UTF-8.
Result<std::string> FormatState(const State& state, WallTime now);

// All or nothing: the error names what is wrong, and where. Every strict prefix of what
// FormatState() makes is an error.
Result<State> ParseState(std::string_view text);

}  // namespace sstplb::backend
