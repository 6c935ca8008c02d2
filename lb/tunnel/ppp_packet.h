// PPP frames as SSTP carries them (ff 03, protocol, content; no HDLC), and the control packets that
// LCP, PAP and IPCP share. Pure. Source: RFC 1661 sections 5 and 6, RFC 1332, RFC 1334.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lb/base/bytes.h"

namespace sstplb::tunnel {

inline constexpr std::uint16_t kPppIpv4 = 0x0021;
inline constexpr std::uint16_t kPppIpcp = 0x8021;
inline constexpr std::uint16_t kPppLcp = 0xc021;
inline constexpr std::uint16_t kPppPap = 0xc023;
inline constexpr std::uint16_t kPppChap = 0xc223;

enum class PppCode : std::uint8_t {
  kConfigureRequest = 1,
  kConfigureAck = 2,
  kConfigureNak = 3,
  kConfigureReject = 4,
  kTerminateRequest = 5,
  kTerminateAck = 6,
  kCodeReject = 7,
  kProtocolReject = 8,
  kEchoRequest = 9,
  kEchoReply = 10,
  kDiscardRequest = 11,
};

// PAP has its own three (RFC 1334, 2.2).
inline constexpr PppCode kPapRequest{1};
inline constexpr PppCode kPapAck{2};
inline constexpr PppCode kPapNak{3};

// And CHAP its four (RFC 1994, 4).
inline constexpr PppCode kChapChallenge{1};
inline constexpr PppCode kChapResponse{2};
inline constexpr PppCode kChapSuccess{3};
inline constexpr PppCode kChapFailure{4};

struct PppFrame {
  std::uint16_t protocol = 0;
  ByteView content;  // into the parsed bytes
};

// Takes frames with and without the address and control bytes.
std::optional<PppFrame> ParseFrame(ByteView bytes);
Bytes BuildFrame(std::uint16_t protocol, ByteView content);

struct PppPacket {
  PppCode code{};
  std::uint8_t id = 0;
  ByteView data;
};

// Bytes after the packet's length are padding and ignored.
std::optional<PppPacket> ParsePacket(ByteView content);
// A whole frame.
Bytes BuildPacket(std::uint16_t protocol, PppCode code, std::uint8_t id, ByteView data);

struct PppOption {
  std::uint8_t type = 0;
  Bytes value;

  bool operator==(const PppOption&) const = default;
};

// nullopt when a length does not fit.
std::optional<std::vector<PppOption>> ParseOptions(ByteView data);
Bytes BuildOptions(const std::vector<PppOption>& options);

}  // namespace sstplb::tunnel
