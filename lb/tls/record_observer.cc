// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/record_observer.h"

#include <algorithm>

namespace sstplb::tls {
namespace {

enum RecordType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
  kHeartbeat = 24,
};

enum MessageType : std::uint8_t { kServerHello = 2, kServerHelloDone = 14 };

constexpr std::uint16_t kTls13 = 0x0304;
constexpr std::uint16_t kPreSharedKey = 41;
constexpr std::uint16_t kSupportedVersions = 43;
constexpr std::uint8_t kFatal = 2;
// RFC 5246, 6.2.3: the longest ciphertext.
constexpr std::uint16_t kMaxRecord = 16384 + 2048;
// No handshake is near; what goes on longer is not one.
constexpr std::uint32_t kMaxSeen = 1 << 20;

// RFC 8446, 4.1.3: the random of a ServerHello that is a HelloRetryRequest.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool IsAlertSized(std::uint16_t size) { return size == 2 + 1 + 16 || size == 2 + 1 + 8; }

}  // namespace

void RecordObserver::GiveUp() {
  facts_.gave_up = true;
  done_ = true;
}

std::size_t RecordObserver::Feed(Direction& direction, Side side, ByteView bytes) {
  const std::size_t given = bytes.size();
  while (!bytes.empty() && !done_) {
    if (direction.have < direction.header.size()) {
      const bool sound = HeaderByte(direction, side, bytes.front());
      bytes = bytes.subspan(1);
      ++seen_;
      if (!sound) {
        GiveUp();
        break;
      }
    } else {
      const std::size_t size = std::min<std::size_t>(bytes.size(), direction.left);
      Payload(direction, side, bytes.first(size));
      direction.left = static_cast<std::uint16_t>(direction.left - size);
      bytes = bytes.subspan(size);
      seen_ += static_cast<std::uint32_t>(size);
    }
    if (direction.have == direction.header.size() && direction.left == 0) {
      RecordEnd(direction, side);
      direction.have = 0;
    }
    if (seen_ > kMaxSeen && !done_) GiveUp();
  }
  return given - bytes.size();
}

// False if this cannot be a record, or none of a handshake.
bool RecordObserver::HeaderByte(Direction& direction, Side side, std::uint8_t byte) {
  direction.header[direction.have++] = byte;
  if (direction.have == 1) return byte >= kChangeCipherSpec && byte <= kHeartbeat;
  if (direction.have == 2) return byte == 3;
  if (direction.have < direction.header.size()) return true;
  if (direction.size() > kMaxRecord) return false;
  direction.left = direction.size();
  if (direction.type() == kApplicationData && facts_.version != kTls13) {
    direction.application_data = true;
    // Both speak as after a handshake, and there has been none that can be understood.
    if (client_.application_data && server_.application_data) return false;
  }
  direction.counts = side == Side::kClient && direction.type() == kApplicationData &&
                     facts_.version == kTls13 && server_.application_data;
  return true;
}

void RecordObserver::Payload(Direction& direction, Side side, ByteView bytes) {
  if (direction.type() == kAlert) {
    AlertBytes(direction, side, bytes);
  } else if (direction.type() == kHandshake && side == Side::kServer && !direction.changed_cipher) {
    ServerHandshake(bytes);
  }
}

// An alert in the clear is two bytes (RFC 8446, 6); encrypted it is always longer.
void RecordObserver::AlertBytes(Direction& direction, Side side, ByteView bytes) {
  if (direction.size() != 2) return EncryptedAlert(side);
  std::uint16_t left = direction.left;
  for (const std::uint8_t byte : bytes) {
    if (left-- == 2) {
      direction.level = byte;
      continue;
    }
    facts_.alert_by = side;
    facts_.alert_level = direction.level;
    facts_.alert = byte;
    if (direction.level == kFatal) done_ = true;
  }
}

void RecordObserver::EncryptedAlert(Side side) {
  if (facts_.alert_by == side && facts_.alert_level == 0) return;
  facts_.alert_by = side;
  facts_.alert_level = 0;
  facts_.alert = 0;
}

void RecordObserver::RecordEnd(Direction& direction, Side side) {
  const bool is_old = facts_.version != 0 && facts_.version < kTls13;
  switch (direction.type()) {
    case kChangeCipherSpec:
      if (!is_old) break;  // TLS 1.3 sends it for middleboxes' sake: it says nothing
      if (side == Side::kServer && !direction.changed_cipher) facts_.resumed = !server_hello_done_;
      direction.changed_cipher = true;
      break;
    case kHandshake:
      if (direction.changed_cipher) direction.finished = true;
      break;
    case kApplicationData:
      direction.application_data = true;
      if (facts_.version != kTls13) break;
      if (side == Side::kServer || direction.counts) {
        if (IsAlertSized(direction.size())) {
          EncryptedAlert(side);
        } else if (direction.counts) {
          facts_.handshake_done = true;
        }
      }
      break;
    default:
      break;
  }
  if (client_.finished && server_.finished) facts_.handshake_done = true;
  if (!facts_.handshake_done) return;
  done_ = true;
  // A handshake that goes on to its end has shown that what looked like an alert was none.
  if (facts_.alert_by != Side::kNone && facts_.alert_level == 0) facts_.alert_by = Side::kNone;
}

// Messages may share a record and may span records (RFC 8446, 5.1).
void RecordObserver::ServerHandshake(ByteView bytes) {
  if (facts_.version == kTls13 && server_hello_) return;
  while (!bytes.empty()) {
    if (head_have_ < 4) {
      message_head_ = message_head_ << 8 | bytes.front();
      bytes = bytes.subspan(1);
      if (++head_have_ == 4) MessageBegin();
    } else if (message_head_ >> 24 == kServerHello) {
      ServerHelloByte(bytes.front());
      bytes = bytes.subspan(1);
      --message_left_;
    } else {
      const std::size_t size = std::min<std::size_t>(bytes.size(), message_left_);
      bytes = bytes.subspan(size);
      message_left_ -= static_cast<std::uint32_t>(size);
    }
    if (head_have_ == 4 && message_left_ == 0) {
      MessageEnd();
      head_have_ = 0;
      message_head_ = 0;
    }
  }
}

void RecordObserver::MessageBegin() {
  message_left_ = message_head_ & 0xffffff;
  if (message_head_ >> 24 != kServerHello) return;
  is_retry_ = true;
  NextField(Field::kVersion, 2);
}

void RecordObserver::MessageEnd() {
  const std::uint32_t type = message_head_ >> 24;
  if (type == kServerHelloDone) server_hello_done_ = true;
  if (type != kServerHello) return;
  if (is_retry_) {
    facts_.retried = true;
  } else {
    server_hello_ = true;
  }
}

void RecordObserver::NextField(Field field, std::uint16_t size) {
  field_ = field;
  field_left_ = size;
  value_ = 0;
}

void RecordObserver::ServerHelloByte(std::uint8_t byte) {
  if (field_ == Field::kRandom && byte != kRetryRandom[kRetryRandom.size() - field_left_]) {
    is_retry_ = false;
  }
  value_ = static_cast<std::uint16_t>(value_ << 8 | byte);
  if (--field_left_ == 0) FieldEnd();
}

// RFC 8446, 4.1.3. A size of zero leaves its field out; overlong ones end with the message.
void RecordObserver::FieldEnd() {
  switch (field_) {
    case Field::kVersion:
      facts_.version = value_;
      return NextField(Field::kRandom, 32);
    case Field::kRandom:
      return NextField(Field::kSessionIdSize, 1);
    case Field::kSessionIdSize:
      if (value_ != 0) return NextField(Field::kSessionId, value_);
      return NextField(Field::kCipher, 2);
    case Field::kSessionId:
      return NextField(Field::kCipher, 2);
    case Field::kCipher:
      facts_.cipher = value_;
      return NextField(Field::kCompression, 1);
    case Field::kCompression:
      return NextField(Field::kExtensionsSize, 2);
    case Field::kExtensionsSize:
      return NextField(Field::kExtensionType, 2);
    case Field::kExtensionType:
      extension_ = value_;
      return NextField(Field::kExtensionSize, 2);
    case Field::kExtensionSize:
      if (extension_ == kPreSharedKey && !is_retry_) facts_.resumed = true;
      if (value_ != 0) return NextField(Field::kExtensionData, value_);
      return NextField(Field::kExtensionType, 2);
    case Field::kExtensionData:
      if (extension_ == kSupportedVersions) facts_.version = value_;
      return NextField(Field::kExtensionType, 2);
  }
}

}  // namespace sstplb::tls
