// Printable: bytes that a peer sent, made fit for a log line, a terminal and JSON.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sstplb::probes {

// At most `max` bytes of `text` are shown; what is not printable ASCII becomes "\xNN", and "..."
// marks what was cut.
std::string Printable(std::string_view text, std::size_t max);

}  // namespace sstplb::probes
