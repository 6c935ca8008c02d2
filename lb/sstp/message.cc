// SPDX-License-Identifier: Apache-2.0
#include "lb/sstp/message.h"

#include <algorithm>

namespace sstplb::sstp {
namespace {

constexpr std::uint8_t kControlBit = 0x01;
constexpr std::uint16_t kLengthMask = 0x0fff;
constexpr std::size_t kStatusInfoSize = 8;

void WriteHeader(Writer& out, bool control, std::size_t size) {
  out.U8(kVersion);
  out.U8(control ? kControlBit : 0);
  out.U16(static_cast<std::uint16_t>(size & kLengthMask));
}

bool TakeHash(Reader& in, Hash32& out) {
  ByteView bytes;
  if (!in.Take(out.size(), bytes)) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

Attribute StatusAttribute(const StatusInfo& info) {
  Attribute attribute{AttributeId::kStatusInfo, {}};
  Writer out(attribute.value);
  out.U32(static_cast<std::uint32_t>(info.attribute));
  out.U32(static_cast<std::uint32_t>(info.status));
  return attribute;
}

}  // namespace

std::string_view ToString(MessageType type) {
  switch (type) {
    case MessageType::kCallConnectRequest:
      return "call_connect_request";
    case MessageType::kCallConnectAck:
      return "call_connect_ack";
    case MessageType::kCallConnectNak:
      return "call_connect_nak";
    case MessageType::kCallConnected:
      return "call_connected";
    case MessageType::kCallAbort:
      return "call_abort";
    case MessageType::kCallDisconnect:
      return "call_disconnect";
    case MessageType::kCallDisconnectAck:
      return "call_disconnect_ack";
    case MessageType::kEchoRequest:
      return "echo_request";
    case MessageType::kEchoResponse:
      return "echo_response";
  }
  return "unknown";
}

std::string_view ToString(StatusCode status) {
  switch (status) {
    case StatusCode::kNoError:
      return "no_error";
    case StatusCode::kDuplicateAttribute:
      return "duplicate_attribute";
    case StatusCode::kUnrecognizedAttribute:
      return "unrecognized_attribute";
    case StatusCode::kInvalidAttributeLength:
      return "invalid_attribute_length";
    case StatusCode::kValueNotSupported:
      return "value_not_supported";
    case StatusCode::kUnacceptedFrame:
      return "unaccepted_frame";
    case StatusCode::kRetryCountExceeded:
      return "retry_count_exceeded";
    case StatusCode::kInvalidFrame:
      return "invalid_frame";
    case StatusCode::kNegotiationTimeout:
      return "negotiation_timeout";
    case StatusCode::kAttributeNotSupportedInMessage:
      return "attribute_not_supported_in_message";
    case StatusCode::kRequiredAttributeMissing:
      return "required_attribute_missing";
    case StatusCode::kStatusInfoNotSupportedInMessage:
      return "status_info_not_supported";
  }
  return "unknown";
}

PacketResult NextPacket(ByteView buffered) {
  Reader in(buffered);
  std::uint8_t version = 0;
  if (!in.U8(version)) return {};
  if (version != kVersion) return {ParseState::kBad, {}, "not SSTP version 1.0"};
  std::uint8_t flags = 0;
  std::uint16_t length = 0;
  if (!in.U8(flags) || !in.U16(length)) return {};
  length &= kLengthMask;
  if (length < kHeaderSize) return {ParseState::kBad, {}, "a length below its own header"};
  Packet packet{(flags & kControlBit) != 0, {}, length};
  if (!in.Take(length - kHeaderSize, packet.body)) return {};
  return {ParseState::kParsed, packet, {}};
}

const Attribute* ControlMessage::Find(AttributeId id) const {
  for (const Attribute& attribute : attributes) {
    if (attribute.id == id) return &attribute;
  }
  return nullptr;
}

Result<ControlMessage> ParseControl(ByteView body) {
  Reader in(body);
  std::uint16_t type = 0;
  std::uint16_t count = 0;
  if (!in.U16(type) || !in.U16(count)) return Error{"a control message below 8 bytes"};
  ControlMessage message;
  message.type = static_cast<MessageType>(type);
  if (ToString(message.type) == "unknown") {
    return Error{"message type " + std::to_string(type) + " is not known"};
  }
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint8_t id = 0;
    std::uint16_t length = 0;
    ByteView value;
    if (!in.Skip(1) || !in.U8(id) || !in.U16(length)) return Error{"an attribute is cut off"};
    length &= kLengthMask;
    if (length < kHeaderSize || !in.Take(length - kHeaderSize, value)) {
      return Error{"an attribute's length does not fit its message"};
    }
    message.attributes.push_back({static_cast<AttributeId>(id), {value.begin(), value.end()}});
  }
  return message;
}

Bytes EncodeControl(const ControlMessage& message) {
  std::size_t size = kHeaderSize + 4;
  for (const Attribute& attribute : message.attributes)
    size += kHeaderSize + attribute.value.size();
  Bytes bytes;
  bytes.reserve(size);
  Writer out(bytes);
  WriteHeader(out, true, size);
  out.U16(static_cast<std::uint16_t>(message.type));
  out.U16(static_cast<std::uint16_t>(message.attributes.size()));
  for (const Attribute& attribute : message.attributes) {
    out.U8(0);
    out.U8(static_cast<std::uint8_t>(attribute.id));
    out.U16(static_cast<std::uint16_t>(kHeaderSize + attribute.value.size()));
    out.Raw(ByteView(attribute.value));
  }
  return bytes;
}

Bytes EncodeControl(MessageType type) { return EncodeControl(ControlMessage{type, {}}); }

Bytes EncodeData(ByteView payload) {
  Bytes bytes;
  bytes.reserve(kHeaderSize + payload.size());
  Writer out(bytes);
  WriteHeader(out, false, kHeaderSize + payload.size());
  out.Raw(payload);
  return bytes;
}

Bytes EncodeCallConnectRequest(std::uint16_t protocol) {
  Attribute attribute{AttributeId::kEncapsulatedProtocol, {}};
  Writer(attribute.value).U16(protocol);
  return EncodeControl({MessageType::kCallConnectRequest, {attribute}});
}

Bytes EncodeCallConnectAck(const CryptoBindingRequest& request) {
  Attribute attribute{AttributeId::kCryptoBindingRequest, {}};
  Writer out(attribute.value);
  out.U32(request.hash_mask);
  out.Raw(ByteView(request.nonce));
  return EncodeControl({MessageType::kCallConnectAck, {attribute}});
}

Bytes EncodeCallConnectNak(const StatusInfo& info) {
  return EncodeControl({MessageType::kCallConnectNak, {StatusAttribute(info)}});
}

Bytes EncodeCallConnected(const CryptoBinding& binding) {
  Attribute attribute{AttributeId::kCryptoBinding, {}};
  Writer out(attribute.value);
  out.U32(binding.hash);
  out.Raw(ByteView(binding.nonce));
  out.Raw(ByteView(binding.certificate_hash));
  out.Raw(ByteView(binding.mac));
  return EncodeControl({MessageType::kCallConnected, {attribute}});
}

Bytes EncodeCallAbort(const StatusInfo& info) {
  return EncodeControl({MessageType::kCallAbort, {StatusAttribute(info)}});
}

std::optional<std::uint16_t> EncapsulatedProtocol(const ControlMessage& message) {
  const Attribute* attribute = message.Find(AttributeId::kEncapsulatedProtocol);
  if (attribute == nullptr || attribute->value.size() != 2) return std::nullopt;
  std::uint16_t protocol = 0;
  Reader(attribute->value).U16(protocol);
  return protocol;
}

std::optional<CryptoBindingRequest> FindCryptoBindingRequest(const ControlMessage& message) {
  const Attribute* attribute = message.Find(AttributeId::kCryptoBindingRequest);
  if (attribute == nullptr) return std::nullopt;
  Reader in(attribute->value);
  CryptoBindingRequest request;
  if (!in.Skip(3) || !in.U8(request.hash_mask)) return std::nullopt;
  if (!TakeHash(in, request.nonce) || !in.empty()) return std::nullopt;
  return request;
}

std::optional<CryptoBinding> FindCryptoBinding(const ControlMessage& message) {
  const Attribute* attribute = message.Find(AttributeId::kCryptoBinding);
  if (attribute == nullptr) return std::nullopt;
  Reader in(attribute->value);
  CryptoBinding binding;
  if (!in.Skip(3) || !in.U8(binding.hash) || !TakeHash(in, binding.nonce)) return std::nullopt;
  if (!TakeHash(in, binding.certificate_hash) || !TakeHash(in, binding.mac)) return std::nullopt;
  if (!in.empty()) return std::nullopt;
  return binding;
}

std::optional<StatusInfo> FindStatusInfo(const ControlMessage& message) {
  const Attribute* attribute = message.Find(AttributeId::kStatusInfo);
  if (attribute == nullptr) return std::nullopt;
  Reader in(attribute->value);
  std::uint32_t about = 0;
  std::uint32_t status = 0;
  const bool whole = attribute->value.size() >= kStatusInfoSize;
  if ((whole && !in.U32(about)) || !in.U32(status)) return std::nullopt;
  return StatusInfo{static_cast<AttributeId>(about & 0xff), static_cast<StatusCode>(status)};
}

}  // namespace sstplb::sstp
