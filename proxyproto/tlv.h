// The optional fields of a PROXY v2 header: type, length, value (proxy-protocol.txt, section 2.2).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lb/base/bytes.h"

namespace sstplb::proxyproto {

// The registered types; any other value is carried through unread.
namespace tlv_type {
inline constexpr std::uint8_t kAlpn = 0x01;
inline constexpr std::uint8_t kAuthority = 0x02;
inline constexpr std::uint8_t kCrc32c = 0x03;
inline constexpr std::uint8_t kNoop = 0x04;
inline constexpr std::uint8_t kUniqueId = 0x05;
inline constexpr std::uint8_t kSsl = 0x20;
inline constexpr std::uint8_t kSslVersion = 0x21;  // this and the next four only inside kSsl
inline constexpr std::uint8_t kSslCommonName = 0x22;
inline constexpr std::uint8_t kSslCipher = 0x23;
inline constexpr std::uint8_t kSslSignature = 0x24;
inline constexpr std::uint8_t kSslKey = 0x25;
inline constexpr std::uint8_t kNetns = 0x30;
}  // namespace tlv_type

struct Tlv {
  std::uint8_t type = 0;
  Bytes value;

  bool operator==(const Tlv&) const = default;
};

// The same, looking at bytes that someone else keeps.
struct TlvView {
  std::uint8_t type = 0;
  ByteView value;
};

// The value of a kSsl field: what the balancer in front saw of TLS, when it ended TLS itself.
struct Ssl {
  static constexpr std::uint8_t kClientTls = 0x01;
  static constexpr std::uint8_t kCertificateNow = 0x02;
  static constexpr std::uint8_t kCertificateInSession = 0x04;

  std::uint8_t client = 0;   // the bits above
  std::uint32_t verify = 0;  // 0: a client certificate was shown and is valid
  std::vector<Tlv> fields;

  bool operator==(const Ssl&) const = default;
};

// A run of fields that fills `bytes` to the last byte, or nullopt. A field takes at least three
// bytes, so the result holds at most a third as many fields as there are bytes.
std::optional<std::vector<Tlv>> ReadTlvs(ByteView bytes);
std::optional<Ssl> ReadSsl(ByteView value);

// The first field of this type, or nullptr. A type may occur more than once.
const Tlv* Find(const std::vector<Tlv>& tlvs, std::uint8_t type);

}  // namespace sstplb::proxyproto
