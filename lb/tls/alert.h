// TLS alerts that the balancer itself says to a client before it closes (RFC 8446, 6; RFC 6066, 3).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace sstplb::tls {

enum class Alert : std::uint8_t {
  kUnexpectedMessage = 10,
  kHandshakeFailure = 40,
  kDecodeError = 50,
  kInternalError = 80,
  kUnrecognizedName = 112,
};

// A whole record with one fatal alert, in the clear: right only before any byte of a server.
//
// The record's version is what decides whether a client reports the alert or a "wrong version
// number". A client that offers TLS 1.2 or later expects 0x0303 (RFC 8446, 5.1 demands it there);
// one that is limited to an older version compares with that version. Both are the smaller of
// 0x0303 and the hello's legacy_version, which is the highest version a client had before
// supported_versions. Nothing below SSL 3.0 exists to be answered.
constexpr std::array<std::uint8_t, 7> FatalAlert(Alert alert,
                                                 std::uint16_t hello_legacy_version = 0x0303) {
  const std::uint16_t version = std::clamp<std::uint16_t>(hello_legacy_version, 0x0300, 0x0303);
  return {21, 3, static_cast<std::uint8_t>(version), 0, 2, 2, static_cast<std::uint8_t>(alert)};
}

}  // namespace sstplb::tls
