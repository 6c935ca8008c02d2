// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/session_codec.h"

#include "lb/handoff/record.h"
#include "lb/tls/ja4.h"

namespace sstplb::handoff {
namespace {

using session::CloseReason;

constexpr std::uint8_t kInLimits = 1u << 0;
constexpr std::uint8_t kInAffinity = 1u << 1;

constexpr std::uint8_t kBulk = 1u << 0;
constexpr std::uint8_t kSawEof = 1u << 1;
constexpr std::uint8_t kEnded = 1u << 2;

constexpr std::uint8_t kClientFirst = 1;
constexpr std::uint8_t kBackendFirst = 2;

// By its word: enumerators may come and go from version to version.
std::optional<CloseReason> ReasonOf(std::string_view word) {
  for (std::size_t i = 0; i < session::kCloseReasonCount; ++i) {
    const auto reason = static_cast<CloseReason>(i);
    if (session::ToString(reason) == word) return reason;
  }
  return std::nullopt;
}

void WriteFlow(RecordWriter& out, const session::FlowImage& flow) {
  out.U64(flow.bytes);
  out.U8(static_cast<std::uint8_t>((flow.bulk ? kBulk : 0) | (flow.saw_eof ? kSawEof : 0) |
                                   (flow.ended ? kEnded : 0)));
  out.U8(flow.portion);
  out.String(flow.held);
}

session::FlowImage ReadFlow(RecordReader& in) {
  session::FlowImage flow;
  flow.bytes = in.U64();
  const std::uint8_t state = in.U8();
  flow.bulk = (state & kBulk) != 0;
  flow.saw_eof = (state & kSawEof) != 0;
  flow.ended = (state & kEnded) != 0;
  flow.portion = in.U8();
  const ByteView held = in.String();
  flow.held.assign(held.begin(), held.end());
  return flow;
}

}  // namespace

void EncodeIdentity(const session::Identity& identity, Bytes& body) {
  RecordWriter out(body);
  out.U64(identity.id);
  out.String(identity.listener);
  out.String(identity.pool);
  out.String(identity.backend);
  out.Address(identity.client);
  out.Address(identity.backend_address);
  out.Address(identity.proxy);
  out.String(identity.sni);
  out.String(identity.ja4);
  out.Span(identity.idle_timeout);
  out.Time(identity.opened);
  out.Time(identity.connected);
  out.U8(static_cast<std::uint8_t>((identity.in_limits ? kInLimits : 0) |
                                   (identity.in_affinity ? kInAffinity : 0)));
  out.Span(identity.rhythm);
}

std::optional<session::Identity> DecodeIdentity(Reader& body) {
  auto in = RecordReader::Next(body);
  if (!in) return std::nullopt;
  session::Identity out;
  out.id = in->U64();
  out.listener = in->Text();
  out.pool = in->Text();
  out.backend = in->Text();
  const auto client = in->Address();
  const auto backend = in->Address();
  out.proxy = in->Address();
  out.sni = in->Text();
  out.ja4 = in->Text();
  out.idle_timeout = in->Span();
  out.opened = in->Time();
  out.connected = in->Time();
  const std::uint8_t counted = in->U8();
  out.in_limits = (counted & kInLimits) != 0;
  out.in_affinity = (counted & kInAffinity) != 0;
  out.rhythm = in->Span();
  const bool sound = in->ok() && client && backend && out.idle_timeout.count() > 0 &&
                     out.connected != TimePoint() && out.ja4.size() <= tls::kJa4Size;
  if (!sound) return std::nullopt;
  out.client = *client;
  out.backend_address = *backend;
  return out;
}

void EncodeMotion(const session::Motion& motion, bool observer, Bytes& body) {
  RecordWriter out(body);
  out.U64(motion.id);
  std::uint8_t first_eof = 0;
  if (motion.first_eof == CloseReason::kClientEof) first_eof = kClientFirst;
  if (motion.first_eof == CloseReason::kBackendEof) first_eof = kBackendFirst;
  out.U8(first_eof);
  out.Time(motion.client_spoke);
  out.Time(motion.backend_spoke);
  out.U8(static_cast<std::uint8_t>(motion.tls));
  out.U8(motion.signalled ? 1 : 0);
  out.Span(motion.handshake);
  for (const std::uint32_t count : motion.retransmits) out.U32(count);
  WriteFlow(out, motion.to_backend);
  WriteFlow(out, motion.to_client);
  out.String(observer ? ByteView(motion.observer) : ByteView());
  out.U32(motion.handshake_bytes);
  out.Time(motion.handshake_until);
}

std::optional<session::Motion> DecodeMotion(Reader& body) {
  auto in = RecordReader::Next(body);
  if (!in) return std::nullopt;
  session::Motion out;
  out.id = in->U64();
  const std::uint8_t first_eof = in->U8();
  if (first_eof == kClientFirst) out.first_eof = CloseReason::kClientEof;
  if (first_eof == kBackendFirst) out.first_eof = CloseReason::kBackendEof;
  out.client_spoke = in->Time();
  out.backend_spoke = in->Time();
  const std::uint8_t tls = in->U8();
  if (tls < session::kTlsStageCount) out.tls = static_cast<session::TlsStage>(tls);
  out.signalled = in->U8() != 0;
  out.handshake = in->Span();
  for (std::uint32_t& count : out.retransmits) count = in->U32();
  out.to_backend = ReadFlow(*in);
  out.to_client = ReadFlow(*in);
  const ByteView observer = in->String();
  out.observer.assign(observer.begin(), observer.end());
  out.handshake_bytes = in->U32();
  out.handshake_until = in->Time();
  if (!in->ok()) return std::nullopt;
  return out;
}

void EncodeGreeting(const session::GreetingImage& greeting, Bytes& body) {
  RecordWriter out(body);
  out.U64(greeting.id);
  out.String(greeting.listener);
  out.Address(greeting.peer);
  out.Time(greeting.opened);
  out.Time(greeting.last_byte);
  out.U8(greeting.in_limits ? kInLimits : 0);
  out.String(greeting.refused ? session::ToString(*greeting.refused) : std::string_view());
  out.String(greeting.read);
  out.Time(greeting.first_queued);
}

std::optional<session::GreetingImage> DecodeGreeting(Reader& body) {
  auto in = RecordReader::Next(body);
  if (!in) return std::nullopt;
  session::GreetingImage out;
  out.id = in->U64();
  out.listener = in->Text();
  const auto peer = in->Address();
  out.opened = in->Time();
  out.last_byte = in->Time();
  out.in_limits = (in->U8() & kInLimits) != 0;
  const std::string refused = in->Text();
  const ByteView read = in->String();
  out.first_queued = in->Time();
  if (!in->ok() || !peer) return std::nullopt;
  out.peer = *peer;
  // A reason that this version does not have: refused is refused.
  if (!refused.empty()) out.refused = ReasonOf(refused).value_or(CloseReason::kStopping);
  out.read.assign(read.begin(), read.end());
  return out;
}

}  // namespace sstplb::handoff
