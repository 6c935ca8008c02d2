// A PROXY protocol header as a value: who really connected to whom, as told by a balancer in front
// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "proxyproto/tlv.h"

namespace sstplb::proxyproto {

enum class Version : std::uint8_t { kV1 = 1, kV2 = 2 };

// kLocal: the sender speaks for itself (a health check); the connection's own addresses hold.
enum class Command : std::uint8_t { kLocal = 0, kProxy = 1 };

// As on the wire. A v1 line is kUnspec (UNKNOWN), kInet (TCP4) or kInet6 (TCP6).
enum class Family : std::uint8_t { kUnspec = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
enum class Transport : std::uint8_t { kUnspec = 0, kStream = 1, kDatagram = 2 };

struct Header {
  Version version = Version::kV2;
  Command command = Command::kLocal;
  Family family = Family::kUnspec;
  Transport transport = Transport::kUnspec;

  // Both or neither. Absent for LOCAL, UNKNOWN, UNSPEC and AF_UNIX: the addresses of the connection
  // itself hold then. An IPv4-mapped address of a kInet6 header is held as IPv4
  // (lb/base/address.h).
  std::optional<SocketAddress> source;
  std::optional<SocketAddress> destination;
  // Only kUnix: the paths as sent, unprintable bytes and all, for a log line; nothing is done with
  // them.
  std::string unix_source;
  std::string unix_destination;

  std::vector<Tlv> tlvs;     // in the order of the wire, kNoop and kCrc32c included
  bool checksummed = false;  // a kCrc32c field was there, and was right

  bool operator==(const Header&) const = default;
};

// The limits of the format: v1 in proxy-protocol.txt section 2.1 ("107 chars"), v2 by its 16-bit
// length.
inline constexpr std::size_t kMaxV1Size = 107;
inline constexpr std::size_t kV2FixedSize = 16;
inline constexpr std::size_t kMaxV2Size = kV2FixedSize + 65535;

inline constexpr std::array<std::uint8_t, 12> kV2Signature = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                              0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

// Bytes of a v2 address block.
constexpr std::size_t AddressBlockSize(Family family) {
  switch (family) {
    case Family::kInet:
      return 2 * (4 + 2);
    case Family::kInet6:
      return 2 * (16 + 2);
    case Family::kUnix:
      return 2 * 108;
    case Family::kUnspec:
      break;
  }
  return 0;
}

}  // namespace sstplb::proxyproto
