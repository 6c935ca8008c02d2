// How the load program ends when it cannot do what it was told: one line of JSON, exit code 1.
//
// A load that goes on after a lost tunnel would measure something else than it says.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sstplb::bench {

// Prints {"error": why} on standard output. `why` holds no quotes.
[[noreturn]] void Fail(const std::string& why);
// The same with what errno says.
[[noreturn]] void FailErrno(const std::string& what);

}  // namespace sstplb::bench
