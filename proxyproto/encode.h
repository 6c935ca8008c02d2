// Writes the PROXY header that goes ahead of a client's bytes, or ahead of a probe's.
//
// Receivers drop a connection whose header does not come whole: it must leave in one write,
// together with the first bytes of the client where there are any. What is written here never
// exceeds kMaxEncodedSize, which every known receiver takes in one read.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "proxyproto/tlv.h"

namespace sstplb::proxyproto {

inline constexpr std::size_t kMaxEncodedSize = 2048;
// A longer value is not sent. RFC 6066 and RFC 1035: a host name; RFC 7301: one protocol's name;
// proxy-protocol.txt, section 2.2.5: 128 bytes.
inline constexpr std::size_t kMaxAuthority = 255;
inline constexpr std::size_t kMaxAlpn = 255;
inline constexpr std::size_t kMaxUniqueId = 128;

// All append to `out`. Addresses of different families are both written as IPv6, the IPv4 one in
// its mapped form; the address of a PROXY header is always known here, so UNKNOWN is never written
// (servers refuse it).

// At most kMaxV1Size bytes.
void EncodeV1(const SocketAddress& source, const SocketAddress& destination, Bytes& out);

// Fields go out in the order given. A kCrc32c field stands for the checksum, whatever its value; a
// second one is left out. A field over its bound, or one that would take the header past
// kMaxEncodedSize, is left out too, rather than let a client's bytes spoil its own connection.
void EncodeV2(const SocketAddress& source, const SocketAddress& destination,
              std::span<const TlvView> fields, Bytes& out);

// LOCAL, for a connection that the balancer makes for itself: 16 bytes, no address.
void EncodeV2Local(Bytes& out);

}  // namespace sstplb::proxyproto
