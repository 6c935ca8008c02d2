// ICMP echo in IPv4, as far as a ping through a tunnel needs it. Pure. Source: RFC 791, RFC 792.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "lb/base/address.h"
#include "lb/base/bytes.h"

namespace sstplb::tunnel {

struct IcmpEcho {
  bool reply = false;
  IpAddress source;
  IpAddress destination;
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  ByteView payload;  // into the parsed packet
};

// A whole IPv4 packet, checksums included. The payload must fit 65507 bytes.
Bytes BuildEcho(const IcmpEcho& echo);
// nullopt for anything else, for fragments and for wrong checksums.
std::optional<IcmpEcho> ParseEcho(ByteView packet);

}  // namespace sstplb::tunnel
