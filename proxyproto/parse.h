// Reads a PROXY header, v1 or v2, off the front of what a connection has sent so far. Pure: looks
// and consumes nothing, touches no descriptor and no clock.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lb/base/bytes.h"
#include "proxyproto/header.h"

namespace sstplb::proxyproto {

enum class Verdict : std::uint8_t {
  kNeedMore,  // the start of a header and no fault so far; never at kMaxV2Size bytes or more
  kOk,
  kNoHeader,  // the first bytes belong to neither version
  kBad,       // a header, but a wrong one: the connection is to be dropped
  kTooLarge,  // a v2 header over the caller's limit
};

struct ParseResult {
  Verdict verdict = Verdict::kNeedMore;
  // kOk: the bytes of the header; what follows belongs to the client.
  // kNeedMore: no fewer than this many bytes, from the start, can settle it; more than were given.
  std::size_t size = 0;
  Header header;  // kOk only
  // kNoHeader, kBad, kTooLarge: why, in words that hold no byte of the input. Lives for ever.
  std::string_view why;
};

// A header is only to be looked for where the configuration says that one comes: a client that
// could send its own would choose its address (proxy-protocol.txt, section 5).
//
// Strict where the format is: a port over 65535 or with leading zeros, an octet over 255, fields
// that overrun and a wrong checksum are kBad. Lenient where it says so: LOCAL and UNSPEC take
// whatever their block holds, and a field of unknown type is kept. `max_size` bounds v2 (v1 is
// bounded by its format); the whole of a header must be held by the caller until it is complete.
ParseResult Parse(ByteView data, std::size_t max_size = kMaxV2Size);

}  // namespace sstplb::proxyproto
