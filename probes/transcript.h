// What both sides of a probe said, as lines for a person. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "lb/base/bytes.h"

namespace sstplb::probes {

// A head of HTTP, line by line, without its empty line.
std::vector<std::string> HeadLines(ByteView head);

// One whole SSTP packet: what it is and what it holds, then its bytes.
std::vector<std::string> PacketLines(ByteView packet);

}  // namespace sstplb::probes
