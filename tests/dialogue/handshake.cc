// SPDX-License-Identifier: Apache-2.0
#include "tests/dialogue/handshake.h"

namespace sstplb::dialogue {
namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kServerHello = 2;
// What is encrypted is longer by its inner type and the tag.
constexpr std::size_t kSealed = 1 + 16;
// Of handshake messages: EncryptedExtensions, the certificate of an RSA-2048 key, CertificateVerify
// and, with SHA-384, Finished.
constexpr std::size_t kExtensions = 10;
constexpr std::size_t kCertificate = 900;
constexpr std::size_t kVerify = 264;
constexpr std::size_t kFinished = 52;

void Append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

void Fill(Bytes& to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to.push_back(static_cast<std::uint8_t>(i * 73 + 41));
}

Bytes Header(std::uint8_t type, std::size_t body) {
  return {type, 3, 3, static_cast<std::uint8_t>(body >> 8), static_cast<std::uint8_t>(body & 0xff)};
}

// RFC 8446, 4.1.3, as OpenSSL 3 answers an x25519 share in compatibility mode.
Bytes ServerHello() {
  Bytes body = {3, 3};
  Fill(body, 32);  // random
  body.push_back(32);
  Fill(body, 32);                                // session id, as if echoed
  Append(body, {0x13, 0x02, 0});                 // TLS_AES_256_GCM_SHA384, no compression
  Append(body, {0, 46});                         // extensions
  Append(body, {0, 43, 0, 2, 3, 4});             // supported_versions: TLS 1.3
  Append(body, {0, 51, 0, 36, 0, 0x1d, 0, 32});  // key_share: x25519
  Fill(body, 32);
  Bytes message = {kServerHello, 0, 0, static_cast<std::uint8_t>(body.size())};
  Append(message, body);
  Bytes record = Header(kHandshakeRecord, message.size());
  Append(record, message);
  return record;
}

Bytes ChangeCipherSpec() {
  Bytes record = Header(kChangeCipherSpec, 1);
  record.push_back(1);
  return record;
}

}  // namespace

Bytes Record(std::size_t body) {
  Bytes record = Header(kApplicationData, body);
  Fill(record, body);
  return record;
}

std::size_t RecordSize(ByteView bytes) {
  return bytes.size() < kRecordHeader ? 0 : kRecordHeader + bytes[3] * 256U + bytes[4];
}

Bytes ServerFlight() {
  Bytes flight = ServerHello();
  Append(flight, ChangeCipherSpec());
  for (const std::size_t message : {kExtensions, kCertificate, kVerify, kFinished}) {
    Append(flight, Record(message + kSealed));
  }
  return flight;
}

Bytes ClientFlight() {
  Bytes flight = ChangeCipherSpec();
  Append(flight, Record(kFinished + kSealed));
  return flight;
}

}  // namespace sstplb::dialogue
