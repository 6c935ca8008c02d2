// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/ppp_packet.h"

namespace sstplb::tunnel {
namespace {

constexpr std::uint8_t kAllStations = 0xff;
constexpr std::uint8_t kUnnumbered = 0x03;
constexpr std::size_t kPacketHeader = 4;
constexpr std::size_t kOptionHeader = 2;

}  // namespace

std::optional<PppFrame> ParseFrame(ByteView bytes) {
  if (bytes.size() >= 2 && bytes[0] == kAllStations && bytes[1] == kUnnumbered) {
    bytes = bytes.subspan(2);
  }
  Reader in(bytes);
  PppFrame frame;
  if (!in.U16(frame.protocol)) return std::nullopt;
  frame.content = in.rest();
  return frame;
}

Bytes BuildFrame(std::uint16_t protocol, ByteView content) {
  Bytes bytes;
  bytes.reserve(4 + content.size());
  Writer out(bytes);
  out.U8(kAllStations);
  out.U8(kUnnumbered);
  out.U16(protocol);
  out.Raw(content);
  return bytes;
}

std::optional<PppPacket> ParsePacket(ByteView content) {
  Reader in(content);
  PppPacket packet;
  std::uint8_t code = 0;
  std::uint16_t length = 0;
  if (!in.U8(code) || !in.U8(packet.id) || !in.U16(length)) return std::nullopt;
  if (length < kPacketHeader || !in.Take(length - kPacketHeader, packet.data)) return std::nullopt;
  packet.code = static_cast<PppCode>(code);
  return packet;
}

Bytes BuildPacket(std::uint16_t protocol, PppCode code, std::uint8_t id, ByteView data) {
  Bytes content;
  Writer out(content);
  out.U8(static_cast<std::uint8_t>(code));
  out.U8(id);
  out.U16(static_cast<std::uint16_t>(kPacketHeader + data.size()));
  out.Raw(data);
  return BuildFrame(protocol, content);
}

std::optional<std::vector<PppOption>> ParseOptions(ByteView data) {
  std::vector<PppOption> options;
  Reader in(data);
  while (!in.empty()) {
    PppOption option;
    std::uint8_t length = 0;
    ByteView value;
    if (!in.U8(option.type) || !in.U8(length) || length < kOptionHeader ||
        !in.Take(length - kOptionHeader, value)) {
      return std::nullopt;
    }
    option.value.assign(value.begin(), value.end());
    options.push_back(std::move(option));
  }
  return options;
}

Bytes BuildOptions(const std::vector<PppOption>& options) {
  Bytes bytes;
  Writer out(bytes);
  for (const PppOption& option : options) {
    out.U8(option.type);
    out.U8(static_cast<std::uint8_t>(kOptionHeader + option.value.size()));
    out.Raw(ByteView(option.value));
  }
  return bytes;
}

}  // namespace sstplb::tunnel
