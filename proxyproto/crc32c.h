// CRC32C (Castagnoli), the checksum of PROXY v2 headers (RFC 9260, appendix A; vectors in RFC 3720,
// appendix B.4). One table of 256 entries: headers are short and come once per connection.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/bytes.h"

namespace sstplb::proxyproto {

// Goes on from an earlier result, so that Crc32c(b, Crc32c(a)) is that of a and b in one piece.
std::uint32_t Crc32c(ByteView data, std::uint32_t before = 0);

}  // namespace sstplb::proxyproto
