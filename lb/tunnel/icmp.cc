// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/icmp.h"

namespace sstplb::tunnel {
namespace {

constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kProtocolIcmp = 1;
constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint16_t kFragmentBits = 0x3fff;  // more fragments, and the offset

// RFC 1071; over bytes that hold their own checksum the result is 0.
std::uint16_t Checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8 : bytes[i];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

void Patch(Bytes& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

}  // namespace

Bytes BuildEcho(const IcmpEcho& echo) {
  Bytes bytes;
  bytes.reserve(kIpHeader + kIcmpHeader + echo.payload.size());
  Writer out(bytes);
  out.U8(0x45);
  out.U8(0);
  out.U16(static_cast<std::uint16_t>(kIpHeader + kIcmpHeader + echo.payload.size()));
  out.U32(0);  // identification, flags, offset: never a fragment
  out.U8(kTtl);
  out.U8(kProtocolIcmp);
  out.U16(0);
  out.Raw(ByteView(echo.source.v4_bytes()));
  out.Raw(ByteView(echo.destination.v4_bytes()));
  Patch(bytes, 10, Checksum(bytes));
  out.U8(echo.reply ? kEchoReply : kEchoRequest);
  out.U8(0);
  out.U16(0);
  out.U16(echo.id);
  out.U16(echo.sequence);
  out.Raw(echo.payload);
  Patch(bytes, kIpHeader + 2, Checksum(ByteView(bytes).subspan(kIpHeader)));
  return bytes;
}

std::optional<IcmpEcho> ParseEcho(ByteView packet) {
  Reader in(packet);
  std::uint8_t first = 0;
  std::uint16_t total = 0;
  std::uint16_t fragment = 0;
  std::uint8_t protocol = 0;
  ByteView source;
  ByteView destination;
  if (!in.U8(first) || !in.Skip(1) || !in.U16(total) || !in.Skip(2) || !in.U16(fragment) ||
      !in.Skip(1) || !in.U8(protocol) || !in.Skip(2) || !in.Take(4, source) ||
      !in.Take(4, destination)) {
    return std::nullopt;
  }
  const std::size_t header = static_cast<std::size_t>(first & 15) * 4;
  if (first >> 4 != 4 || header < kIpHeader || total < header + kIcmpHeader ||
      total > packet.size() || protocol != kProtocolIcmp || (fragment & kFragmentBits) != 0 ||
      Checksum(packet.first(header)) != 0) {
    return std::nullopt;
  }
  const ByteView icmp = packet.subspan(header, total - header);
  Reader body(icmp);
  IcmpEcho echo;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  if (!body.U8(type) || !body.U8(code) || !body.Skip(2) || !body.U16(echo.id) ||
      !body.U16(echo.sequence)) {
    return std::nullopt;
  }
  if ((type != kEchoRequest && type != kEchoReply) || code != 0 || Checksum(icmp) != 0) {
    return std::nullopt;
  }
  echo.reply = type == kEchoReply;
  echo.source = IpAddress::V4({source[0], source[1], source[2], source[3]});
  echo.destination =
      IpAddress::V4({destination[0], destination[1], destination[2], destination[3]});
  echo.payload = body.rest();
  return echo;
}

}  // namespace sstplb::tunnel
