// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/dialogue.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace sstplb::bench {
namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::array<std::uint8_t, 8> kMagic = {'s', 's', 't', 'p', 'w', 'i', 's', 'h'};
constexpr std::size_t kWishBody = 64;
constexpr std::size_t kFinishedBody = 52 + 17;  // with SHA-384, its inner type and the tag

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
  Fill(body, 32);                                // random
  body.push_back(32);                            // session id, echoed
  Fill(body, 32);                                //
  Append(body, {0x13, 0x02, 0});                 // TLS_AES_256_GCM_SHA384, no compression
  Append(body, {0, 46});                         // extensions
  Append(body, {0, 43, 0, 2, 3, 4});             // supported_versions: TLS 1.3
  Append(body, {0, 51, 0, 36, 0, 0x1d, 0, 32});  // key_share: x25519
  Fill(body, 32);                                //
  Bytes message = {2, 0, 0, static_cast<std::uint8_t>(body.size())};
  Append(message, body);
  Bytes record = Header(kHandshake, message.size());
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

Bytes ServerFlight() {
  Bytes flight = ServerHello();
  Append(flight, ChangeCipherSpec());
  // EncryptedExtensions, one certificate of RSA-2048, CertificateVerify, Finished; 17 bytes each
  // for the inner type and the tag.
  for (const std::size_t message : {10U, 900U, 264U, 52U}) Append(flight, Record(message + 17));
  return flight;
}

Bytes Answer() {
  Bytes answer = ServerFlight();
  answer.resize(kAnswerSize);
  return answer;
}

Bytes ClientFlight(Wish wish) {
  Bytes flight = ChangeCipherSpec();
  Append(flight, Record(kFinishedBody));
  Bytes record = Record(kWishBody);
  std::copy(kMagic.begin(), kMagic.end(), record.begin() + kRecordHeader);
  record[kRecordHeader + kMagic.size()] = static_cast<std::uint8_t>(wish);
  Append(flight, record);
  return flight;
}

std::size_t RecordSize(ByteView bytes) {
  return bytes.size() < kRecordHeader ? 0 : kRecordHeader + bytes[3] * 256U + bytes[4];
}

std::optional<Wish> WishOf(ByteView record) {
  if (record.size() != kRecordHeader + kWishBody) return std::nullopt;
  const ByteView body = record.subspan(kRecordHeader);
  if (!std::equal(kMagic.begin(), kMagic.end(), body.begin())) return std::nullopt;
  const std::uint8_t word = body[kMagic.size()];
  if (word < 1 || word > 3) return std::nullopt;
  return static_cast<Wish>(word);
}

Bytes CountRecord(std::uint64_t bytes) {
  Bytes record = Record(kCountSize - kRecordHeader);
  for (unsigned i = 0; i < 8; ++i) {
    record[kRecordHeader + i] = static_cast<std::uint8_t>(bytes >> (8 * i));
  }
  return record;
}

std::uint64_t CountOf(ByteView record) {
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < 8; ++i) {
    bytes |= static_cast<std::uint64_t>(record[kRecordHeader + i]) << (8 * i);
  }
  return bytes;
}

}  // namespace sstplb::bench
