// The record observer: what a TLS handshake that passes by tells without being opened.
//
// Pure, and a spectator: it folds the record headers of both directions, and the few handshake
// bytes that are in the clear, into facts. It holds no payload, judges nothing, changes nothing;
// bytes it cannot follow only end its interest (gave_up), and go on as they are.
//
// What "handshake done" means, and how sure it is:
//  - TLS 1.2 and older (RFC 5246, 7.3): each side's ChangeCipherSpec and the handshake record after
//    it (its Finished) have passed whole. Exact, as long as the first handshake is meant.
//  - TLS 1.3 (RFC 8446, 2): after ServerHello everything looks like application data (5.2). Done is
//    the first such record of the client that began after one of the server had passed: the
//    client's Finished. With a client certificate this is told some records early; with accepted
//    early data, up to one round trip early. An alert in its place is told by its length: a record
//    of 19 bytes (11 with CCM_8) is two bytes of alert, the inner type and the tag, and no
//    handshake message is as short. A padded alert would pass for a Finished.
// After that an alert is encrypted and, in TLS 1.3, not even visible: there is nothing more to
// learn, and the bytes need no longer come through user space.
//
// "Resumed" is exact: in TLS 1.2 the server sent ChangeCipherSpec without a ServerHelloDone before
// it; in TLS 1.3 its ServerHello selects a pre_shared_key.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lb/base/bytes.h"

namespace sstplb::tls {

enum class Side : std::uint8_t { kNone, kClient, kServer };

struct HandshakeFacts {
  std::uint16_t version = 0;    // as the server chose it (0x0304 is TLS 1.3); 0: no ServerHello yet
  std::uint16_t cipher = 0;     // as the server chose it
  bool handshake_done = false;  // as above
  bool resumed = false;         // without a certificate, by a session or ticket
  bool retried = false;         // the server asked for a second ClientHello
  bool gave_up = false;         // not TLS, or nothing that could be followed
  Side alert_by = Side::kNone;  // who sent the first fatal alert of the handshake (or a warning)
  std::uint8_t alert_level =
      0;                   // 1 warning, 2 fatal, 0: encrypted, so that only its sender is known
  std::uint8_t alert = 0;  // its description (RFC 8446, 6); only if alert_level is not 0

  bool operator==(const HandshakeFacts&) const = default;
};

// One per session. Feed it every byte of both directions in the order in which they passed, in any
// portions, beginning with the first (so with the hello that was peeked). Costs one step per record
// and per byte of a ServerHello; payload is skipped. Tells how many of the bytes it looked at:
// those behind them came after it was done.
class RecordObserver {
 public:
  std::size_t FromClient(ByteView bytes) { return Feed(client_, Side::kClient, bytes); }
  std::size_t FromServer(ByteView bytes) { return Feed(server_, Side::kServer, bytes); }

  // Nothing more to learn; later bytes are ignored. Comes at the latest after 1 MiB.
  bool done() const { return done_; }
  const HandshakeFacts& facts() const { return facts_; }

  // What it knows so far, for another process that observes on. The layout is this version's own.
  Bytes Save() const;
  // nullopt when `saved` is not of Save().
  static std::optional<RecordObserver> Load(ByteView saved);

 private:
  struct Direction {
    std::array<std::uint8_t, 5> header{};  // of the record under way
    std::uint8_t have = 0;                 // bytes of it
    std::uint16_t left = 0;                // bytes of the record's payload still to come
    std::uint8_t level = 0;                // of the alert under way
    bool counts = false;                   // the record under way may be a TLS 1.3 Finished
    bool changed_cipher = false;           // TLS 1.2: ChangeCipherSpec passed
    bool finished = false;                 // TLS 1.2: Finished passed
    bool application_data = false;         // a record of that type passed

    std::uint8_t type() const { return header[0]; }
    std::uint16_t size() const { return static_cast<std::uint16_t>(header[3] << 8 | header[4]); }
  };

  // Where in the server's handshake messages the next byte lies.
  enum class Field : std::uint8_t {
    kVersion,
    kRandom,
    kSessionIdSize,
    kSessionId,
    kCipher,
    kCompression,
    kExtensionsSize,
    kExtensionType,
    kExtensionSize,
    kExtensionData,
  };

  // Tells `visit` every member of `observer`, always in the same order.
  template <class Observer, class Visit>
  static void Members(Observer& observer, Visit&& visit);

  std::size_t Feed(Direction& direction, Side side, ByteView bytes);
  void GiveUp();
  bool HeaderByte(Direction& direction, Side side, std::uint8_t byte);
  void Payload(Direction& direction, Side side, ByteView bytes);
  void AlertBytes(Direction& direction, Side side, ByteView bytes);
  void EncryptedAlert(Side side);
  void RecordEnd(Direction& direction, Side side);
  void ServerHandshake(ByteView bytes);
  void MessageBegin();
  void MessageEnd();
  void ServerHelloByte(std::uint8_t byte);
  void NextField(Field field, std::uint16_t size);
  void FieldEnd();

  Direction client_;
  Direction server_;

  std::uint32_t seen_ = 0;          // bytes of both sides
  std::uint32_t message_left_ = 0;  // of the server's handshake message under way
  std::uint32_t message_head_ = 0;  // its type and size
  std::uint16_t field_left_ = 0;    // bytes of the field under way
  std::uint16_t value_ = 0;         // its last two bytes
  std::uint16_t extension_ = 0;     // type of the extension under way
  std::uint8_t head_have_ = 0;      // bytes of message_head_
  Field field_ = Field::kVersion;
  bool is_retry_ = false;           // random is that of a HelloRetryRequest, so far
  bool server_hello_ = false;       // passed (and was no HelloRetryRequest)
  bool server_hello_done_ = false;  // passed (TLS 1.2)
  bool done_ = false;

  HandshakeFacts facts_;
};

static_assert(sizeof(RecordObserver) <= 64, "one per session under way: keep it small");

}  // namespace sstplb::tls
