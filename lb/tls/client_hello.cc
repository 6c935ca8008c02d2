// Records to message: the joining half of client_hello.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/tls/client_hello.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace sstplb::tls {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kMaxFragment = 16384;  // RFC 8446, 5.1

}  // namespace

std::string_view ToString(HelloVerdict verdict) {
  switch (verdict) {
    case HelloVerdict::kNeedMore:
      return "need_more";
    case HelloVerdict::kParsed:
      return "ok";
    case HelloVerdict::kNotTls:
      return "not_tls";
    case HelloVerdict::kMalformed:
      return "malformed";
    case HelloVerdict::kTooLarge:
      return "too_large";
  }
  return "";
}

const ClientHello& HelloReader::hello() const {
  assert(verdict_ == HelloVerdict::kParsed);
  return hello_;
}

HelloVerdict HelloReader::Look(ByteView stream) {
  if (verdict_ != HelloVerdict::kNeedMore) return verdict_;
  do {
    went_on_ = false;
    verdict_ = Step(stream);
  } while (went_on_);
  return verdict_;
}

HelloVerdict HelloReader::End(HelloVerdict verdict, std::string_view why) {
  why_ = why;
  return verdict;
}

// Looks at the record that begins at at_. Every byte of its header is judged as soon as it is
// there, so that a client which speaks something else is not waited for.
HelloVerdict HelloReader::Step(ByteView stream) {
  const ByteView record = stream.subspan(std::min(at_, stream.size()));
  const HelloVerdict bad = at_ == 0 ? HelloVerdict::kNotTls : HelloVerdict::kMalformed;
  if (!record.empty() && record[0] != kHandshakeRecord) {
    return End(bad, at_ == 0 ? "first byte is no handshake record"
                             : "another record type inside the ClientHello (RFC 8446, 5.1)");
  }
  // The rest of the version says nothing: legacy_record_version MUST be ignored (RFC 8446, 5.1).
  if (record.size() > 1 && record[1] != 3) return End(bad, "record major version is not 3");

  Reader reader(record);
  reader.Skip(3);
  std::uint16_t size = 0;
  if (record.size() < kRecordHeader || !reader.U16(size)) return HelloVerdict::kNeedMore;
  if (size == 0) return End(HelloVerdict::kMalformed, "zero-length handshake record");
  if (size > kMaxFragment) return End(HelloVerdict::kMalformed, "record over 2^14 bytes");
  return TakeRecord(size, reader.rest().first(std::min<std::size_t>(size, reader.left())));
}

// `payload` is what has come of a record of `size` bytes.
HelloVerdict HelloReader::TakeRecord(std::size_t size, ByteView payload) {
  if (joined_.empty() && !payload.empty() && payload[0] != kClientHello) {
    return End(HelloVerdict::kMalformed, "first handshake message is no ClientHello");
  }
  const bool known = KnowSize(payload);
  if (known && message_size_ > limits_.max_message) {
    return End(HelloVerdict::kTooLarge, "ClientHello over the configured size");
  }
  // Until the size is known, only the message's header is surely wanted of this record.
  const std::size_t wanted = (known ? message_size_ : kMessageHeader) - joined_.size();
  const std::size_t ours = std::min(size, wanted);
  if (at_ + kRecordHeader + ours > limits_.max_stream()) {
    return End(HelloVerdict::kTooLarge, "ClientHello in too many records");
  }
  if (known && wanted <= size) {
    return payload.size() < wanted ? HelloVerdict::kNeedMore : Finish(payload, wanted);
  }
  if (payload.size() < size) return HelloVerdict::kNeedMore;
  joined_.insert(joined_.end(), payload.begin(), payload.end());
  at_ += kRecordHeader + size;
  went_on_ = true;
  return HelloVerdict::kNeedMore;
}

// The message ends with the first `size` bytes of `payload`.
HelloVerdict HelloReader::Finish(ByteView payload, std::size_t size) {
  ByteView message = payload.first(size);
  if (!joined_.empty()) {
    joined_.insert(joined_.end(), message.begin(), message.end());
    message = joined_;
  }
  const std::string_view broken = ParseHelloBody(message.subspan(kMessageHeader), hello_);
  if (!broken.empty()) {
    hello_ = {};  // nothing of it may be used
    return End(HelloVerdict::kMalformed, broken);
  }
  hello_.hello_len = at_ + kRecordHeader + size;
  return HelloVerdict::kParsed;
}

// The message's header may itself be split over records.
bool HelloReader::KnowSize(ByteView payload) {
  if (message_size_ != 0) return true;
  std::array<std::uint8_t, kMessageHeader> header{};
  const std::size_t before = joined_.size();  // < kMessageHeader, or the size were known
  if (before + payload.size() < kMessageHeader) return false;
  std::copy(joined_.begin(), joined_.end(), header.begin());
  std::copy_n(payload.begin(), kMessageHeader - before, header.data() + before);
  message_size_ = kMessageHeader + (static_cast<std::size_t>(header[1]) << 16 |
                                    static_cast<std::size_t>(header[2]) << 8 | header[3]);
  return true;
}

}  // namespace sstplb::tls
