// The TLS ClientHello at the beginning of a TCP stream: found, joined, read.
//
// Pure: bytes in, one of five answers out. HelloReader joins a hello that came in several TCP
// segments and in several TLS records (RFC 8446, 5.1), and then reads it (RFC 8446, 4.1.2; RFC
// 6066, 3; RFC 7301, 3.1). It is strict where a lenient reading could send a client to the wrong
// backend (lengths, duplicates, two names) and silent on everything that only an endpoint can
// judge (versions, ciphers, key material): a pass-through does not judge.
//
// Cost: a hello in one record is read in place, without an allocation. Calls are cheap while bytes
// are missing: work is linear in the bytes of the stream, however they were cut.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lb/base/bytes.h"
#include "lb/tls/hello_lists.h"

namespace sstplb::tls {

enum class HelloVerdict : std::uint8_t {
  kNeedMore,   // so far this can still become a ClientHello
  kParsed,     // hello() holds it
  kNotTls,     // the first bytes are no TLS handshake record
  kMalformed,  // TLS, and no ClientHello that a server may accept; why() names the rule
  kTooLarge,   // over the limits
};

std::string_view ToString(HelloVerdict verdict);

struct HelloLimits {
  // The handshake message with its four-byte header.
  std::size_t max_message = 64 * 1024;
  // The message in its records: no caller is ever asked for more bytes than this. Twice the message
  // is far above what record headers cost a real client, and keeps one-byte records from costing
  // six times the message.
  std::size_t max_stream() const { return 2 * max_message; }
};

// What a hello says. Views point into the stream that was given, or into the reader's own buffer
// when records had to be joined.
struct ClientHello {
  std::uint16_t legacy_version = 0;
  ByteView session_id;
  U16List ciphers;  // with GREASE, as sent
  ExtensionList extensions;
  std::uint16_t extension_count = 0;

  bool has_sni = false;  // a host_name was sent
  // Exactly as sent: any byte, any case, up to 64 KiB. Never log or compare it raw; see
  // server_name.h.
  std::string_view sni;
  AlpnList alpn;
  U16List supported_versions;
  U16List signature_algorithms;
  KeyShareList key_share_groups;
  bool has_psk = false;         // pre_shared_key
  bool has_ticket = false;      // session_ticket that is not empty
  bool has_ech = false;         // encrypted_client_hello, real or GREASE
  bool has_early_data = false;  // early_data

  // Bytes of the stream up to the last one of the hello, record headers included. What follows
  // (early data, anything) is not ours and goes on unchanged.
  std::size_t hello_len = 0;
};

// One per stream. Not copyable, since hello() may point into it; movable.
class HelloReader {
 public:
  explicit HelloReader(HelloLimits limits = {}) : limits_(limits) {}
  HelloReader(HelloReader&&) = default;
  HelloReader& operator=(HelloReader&&) = default;
  HelloReader(const HelloReader&) = delete;
  HelloReader& operator=(const HelloReader&) = delete;

  // `stream` is all that was received so far, from its first byte; each call's must begin with the
  // bytes of the one before (it may have moved). An answer other than kNeedMore is final: later
  // calls repeat it without looking.
  HelloVerdict Look(ByteView stream);

  HelloVerdict verdict() const { return verdict_; }
  // Only after kParsed. Valid while this reader and the bytes given to the last Look() are.
  const ClientHello& hello() const;
  // Which rule was broken, a static string; empty for kNeedMore and kParsed.
  std::string_view why() const { return why_; }

 private:
  HelloVerdict Step(ByteView stream);
  HelloVerdict TakeRecord(std::size_t size, ByteView payload);
  HelloVerdict Finish(ByteView payload, std::size_t size);
  HelloVerdict End(HelloVerdict verdict, std::string_view why);
  bool KnowSize(ByteView payload);

  HelloLimits limits_;
  HelloVerdict verdict_ = HelloVerdict::kNeedMore;
  bool went_on_ = false;          // the last step consumed a whole record
  std::size_t at_ = 0;            // where the next record begins
  std::size_t message_size_ = 0;  // with its header; 0: not known yet
  Bytes joined_;                  // the message's bytes of the records before at_
  std::string_view why_;
  ClientHello hello_;
};

// Reads the body of a ClientHello message (after its four-byte header). Returns the broken rule, or
// an empty view when `hello` is filled (all but hello_len).
std::string_view ParseHelloBody(ByteView body, ClientHello& hello);

}  // namespace sstplb::tls
