// SSTP messages: framing by length, control messages with their attributes, and their bytes back.
// Pure: bytes in, values out; no socket, no clock. TLS records are not messages: a message may come
// in pieces and several may come at once, so a reader appends what arrives and asks NextPacket().
// Source: MS-SSTP 2.2.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lb/base/bytes.h"
#include "lb/base/result.h"

namespace sstplb::sstp {

inline constexpr std::uint8_t kVersion = 0x10;         // 1.0 (MS-SSTP 2.2.1)
inline constexpr std::size_t kHeaderSize = 4;          // of a packet, and of an attribute
inline constexpr std::size_t kMaxPacketSize = 0x0fff;  // the length field has 12 bits
inline constexpr std::uint16_t kProtocolPpp = 1;       // ENCAPSULATED_PROTOCOL_PPP

enum class MessageType : std::uint16_t {
  kCallConnectRequest = 1,
  kCallConnectAck = 2,
  kCallConnectNak = 3,
  kCallConnected = 4,
  kCallAbort = 5,
  kCallDisconnect = 6,
  kCallDisconnectAck = 7,
  kEchoRequest = 8,
  kEchoResponse = 9,
};
// "call_connect_ack"; "unknown" for a number without a name.
std::string_view ToString(MessageType type);

enum class AttributeId : std::uint8_t {
  kNoError = 0,
  kEncapsulatedProtocol = 1,
  kStatusInfo = 2,
  kCryptoBinding = 3,
  kCryptoBindingRequest = 4,
};

// What a Nak, an Abort or a Disconnect says (MS-SSTP 2.2.8).
enum class StatusCode : std::uint32_t {
  kNoError = 0,
  kDuplicateAttribute = 1,
  kUnrecognizedAttribute = 2,
  kInvalidAttributeLength = 3,
  kValueNotSupported = 4,
  kUnacceptedFrame = 5,
  kRetryCountExceeded = 6,
  kInvalidFrame = 7,
  kNegotiationTimeout = 8,
  kAttributeNotSupportedInMessage = 9,
  kRequiredAttributeMissing = 10,
  kStatusInfoNotSupportedInMessage = 11,
};
std::string_view ToString(StatusCode status);

// Bits of the hash mask of a crypto binding request, and the choice in its answer.
inline constexpr std::uint8_t kHashSha1 = 1;
inline constexpr std::uint8_t kHashSha256 = 2;

using Hash32 = std::array<std::uint8_t, 32>;

// One packet at the front of a buffer. `body` points into that buffer.
struct Packet {
  bool control = false;
  ByteView body;         // what follows the 4 bytes of header
  std::size_t size = 0;  // of the whole packet: what to drop from the buffer
};

enum class ParseState : std::uint8_t { kNeedMore, kParsed, kBad };

struct PacketResult {
  ParseState state = ParseState::kNeedMore;
  Packet packet;    // when kParsed
  std::string why;  // when kBad: a version that is not 1.0, or a length below the header's
};

// Looks without consuming. Reserved bits are ignored, as MS-SSTP 2.2.1 asks of a receiver.
PacketResult NextPacket(ByteView buffered);

struct Attribute {
  AttributeId id = AttributeId::kNoError;
  Bytes value;  // without its header

  bool operator==(const Attribute&) const = default;
};

struct ControlMessage {
  MessageType type = MessageType::kEchoRequest;
  std::vector<Attribute> attributes;

  // The first attribute of that kind; null when there is none.
  const Attribute* Find(AttributeId id) const;
  bool operator==(const ControlMessage&) const = default;
};

// `body` is Packet::body of a control packet. An unknown message type is an error; an unknown
// attribute is kept for the state machine to judge. Bytes after the last attribute are ignored.
Result<ControlMessage> ParseControl(ByteView body);

// Whole packets, header included. `attributes` must fit in kMaxPacketSize.
Bytes EncodeControl(const ControlMessage& message);
Bytes EncodeControl(MessageType type);  // without attributes: Echo, Disconnect, its Ack, Abort
// `payload` is one PPP frame of at most kMaxPacketSize - kHeaderSize bytes.
Bytes EncodeData(ByteView payload);

// --- What the attributes hold ---

struct CryptoBindingRequest {  // in a Call Connect Ack
  std::uint8_t hash_mask = kHashSha256;
  Hash32 nonce{};
};

struct CryptoBinding {  // in Call Connected
  std::uint8_t hash = kHashSha256;
  Hash32 nonce{};
  Hash32 certificate_hash{};  // SHA-1: 20 bytes, then zeros
  Hash32 mac{};               // likewise
};

struct StatusInfo {
  AttributeId attribute = AttributeId::kNoError;  // what the status is about
  StatusCode status = StatusCode::kNoError;
};

Bytes EncodeCallConnectRequest(std::uint16_t protocol = kProtocolPpp);
Bytes EncodeCallConnectAck(const CryptoBindingRequest& request);
Bytes EncodeCallConnectNak(const StatusInfo& info);
Bytes EncodeCallConnected(const CryptoBinding& binding);
Bytes EncodeCallAbort(const StatusInfo& info);

// nullopt when the attribute is absent or has the wrong length.
std::optional<std::uint16_t> EncapsulatedProtocol(const ControlMessage& message);
std::optional<CryptoBindingRequest> FindCryptoBindingRequest(const ControlMessage& message);
std::optional<CryptoBinding> FindCryptoBinding(const ControlMessage& message);
// Also takes the short form that sstp-server sends: the status alone, in 4 bytes.
std::optional<StatusInfo> FindStatusInfo(const ControlMessage& message);

}  // namespace sstplb::sstp
