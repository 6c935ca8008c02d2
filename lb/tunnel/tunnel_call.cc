// What a tunnel says and hears once there is TLS: HTTP, SSTP, and PPP with pings in it (tunnel.h).
//
// SPDX-License-Identifier: Apache-2.0
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lb/sstp/http.h"
#include "lb/tunnel/icmp.h"
#include "lb/tunnel/tunnel.h"

namespace sstplb::tunnel {
namespace {

using sstp::MessageType;

constexpr std::uint16_t kPingId = 0x5353;
constexpr std::size_t kStampSize = 8;
constexpr std::size_t kMagicSize = 4;
// What is not taken by TCP yet, before no more payload is sent.
constexpr std::size_t kMaxUnsent = 16 * 1024;

std::string CorrelationId() {
  std::array<std::uint8_t, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 4122: random
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return sstp::FormatGuid(bytes);
}

// A packet says itself when it was sent, so that nobody has to remember it.
Bytes StampedPayload(std::size_t size, TimePoint now) {
  Bytes payload;
  Writer writer(payload);
  const auto stamp = static_cast<std::uint64_t>(now.time_since_epoch().count());
  writer.U32(static_cast<std::uint32_t>(stamp >> 32));
  writer.U32(static_cast<std::uint32_t>(stamp));
  payload.resize(std::clamp(size, kStampSize, kMaxPayload), 0x5a);
  return payload;
}

// nullopt for what this side did not send.
std::optional<Duration> SentAgo(ByteView payload, TimePoint now) {
  Reader reader(payload);
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  if (!reader.U32(high) || !reader.U32(low)) return std::nullopt;
  const auto stamp = static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
  const Duration ago = now.time_since_epoch() - Duration(stamp);
  return ago.count() >= 0 && stamp > 0 ? std::optional(ago) : std::nullopt;
}

}  // namespace

void Tunnel::OnTlsReady() {
  report_.resumed = stream_->resumed();
  report_.tls_version = stream_->version();
  report_.certificate = CertificateHash(sstp::kHashSha256, stream_->PeerCertificate());
  Advance(&TunnelSteps::tls, TunnelDepth::kTls, TunnelState::kPost);
  if (report_.state != TunnelState::kPost) return;
  Send(AsBytes(sstp::BuildPost({options_.host, CorrelationId(), std::string(sstp::kPath)})));
}

void Tunnel::OnTlsData(ByteView data) {
  heard_ = Clock::now();
  if (options_.depth == TunnelDepth::kTls) return;  // nothing was asked
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  if (report_.state == TunnelState::kPost) OnHttp();
  if (report_.state != TunnelState::kPost) OnSstp();
}

void Tunnel::OnHttp() {
  const sstp::ResponseResult answer = sstp::ParseResponse(buffer_);
  if (answer.state == sstp::ParseState::kNeedMore) return;
  if (answer.state == sstp::ParseState::kBad) {
    Fail(TunnelEnd::kBadAnswer, answer.why);
    return;
  }
  report_.server_header = answer.head.server;
  if (answer.head.status != 200) {
    Fail(TunnelEnd::kHttpRefused, std::to_string(answer.head.status) + " " + answer.head.reason);
    return;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(answer.size));
  Advance(&TunnelSteps::post, TunnelDepth::kPost, TunnelState::kCall);
  if (report_.state != TunnelState::kCall) return;
  called_ = true;
  Send(sstp::EncodeCallConnectRequest());
}

void Tunnel::OnSstp() {
  std::size_t used = 0;
  while (Live() || report_.state == TunnelState::kStopping) {
    const sstp::PacketResult next = sstp::NextPacket(ByteView(buffer_).subspan(used));
    if (next.state == sstp::ParseState::kBad) Fail(TunnelEnd::kBadAnswer, next.why);
    if (next.state != sstp::ParseState::kParsed) break;
    used += next.packet.size;
    OnPacket(next.packet);
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Tunnel::OnPacket(const sstp::Packet& packet) {
  if (!packet.control) {
    report_.bytes_received += packet.body.size();
    if (ppp_ && Live()) OnFrame(packet.body);
    return;
  }
  const auto message = sstp::ParseControl(packet.body);
  if (message.ok()) {
    OnControl(*message);
  } else {
    Fail(TunnelEnd::kBadAnswer, message.error().message);
  }
}

void Tunnel::OnControl(const sstp::ControlMessage& message) {
  if (report_.state == TunnelState::kStopping) {
    // The server's own Disconnect may cross this side's; nothing but its close is waited for.
    return;
  }
  const auto status = sstp::FindStatusInfo(message);
  const std::string detail(status ? ToString(status->status) : "");
  switch (message.type) {
    case MessageType::kCallConnectAck:
      OnAck(message);
      return;
    case MessageType::kCallConnectNak:
      Fail(TunnelEnd::kNak, detail);
      return;
    case MessageType::kCallAbort:
      Fail(TunnelEnd::kAborted, detail);
      return;
    case MessageType::kCallDisconnect:
      Send(sstp::EncodeControl(MessageType::kCallDisconnectAck));
      Fail(TunnelEnd::kDisconnected, detail);
      return;
    case MessageType::kEchoRequest:
      Send(sstp::EncodeControl(MessageType::kEchoResponse));
      return;
    case MessageType::kEchoResponse:
      ++report_.echoes_answered;
      return;
    default:
      Fail(TunnelEnd::kBadAnswer, "an unexpected " + std::string(ToString(message.type)));
  }
}

void Tunnel::OnAck(const sstp::ControlMessage& message) {
  const auto request = sstp::FindCryptoBindingRequest(message);
  if (report_.state != TunnelState::kCall || !request) {
    Fail(TunnelEnd::kBadAnswer, "a Call Connect Ack out of place");
    return;
  }
  offered_ = *request;
  Advance(&TunnelSteps::call, TunnelDepth::kCall, TunnelState::kPpp);
  if (report_.state != TunnelState::kPpp) return;
  PppOptions ppp;
  ppp.user = options_.user;
  ppp.password = options_.password;
  ppp.magic = static_cast<std::uint32_t>(random_()) | 1U;
  RAND_bytes(ppp.challenge.data(), static_cast<int>(ppp.challenge.size()));
  ppp_.emplace(std::move(ppp));
  ppp_at_ = Clock::now();
  std::vector<Bytes> frames;
  ppp_->Start(frames);
  SendFrames(frames);
}

void Tunnel::OnFrame(ByteView payload) {
  const std::optional<PppFrame> frame = ParseFrame(payload);
  if (!frame) return;
  if (frame->protocol == kPppIpv4) {
    OnPong(frame->content);
    return;
  }
  const bool network_before = ppp_->phase() >= PppLink::Phase::kNetwork;
  std::vector<Bytes> frames;
  ppp_->OnFrame(*frame, frames);
  const PppLink::Phase phase = ppp_->phase();
  if (phase == PppLink::Phase::kEnded) {
    SendFrames(frames);
    Fail(TunnelEnd::kPppFailed, ppp_->why());
    return;
  }
  if (!network_before && phase >= PppLink::Phase::kNetwork) {
    // Once authenticated and before any data of the upper layer (MS-SSTP 3.2.5.2).
    const std::uint8_t hash =
        (offered_.hash_mask & sstp::kHashSha256) != 0 ? sstp::kHashSha256 : sstp::kHashSha1;
    Send(sstp::EncodeCallConnected(
        MakeBinding(hash, offered_.nonce, stream_->PeerCertificate(), ppp_->hlak())));
  }
  SendFrames(frames);
  if (report_.state != TunnelState::kPpp || phase != PppLink::Phase::kOpen) return;
  report_.address = ppp_->own();
  report_.gateway = ppp_->peer();
  Advance(&TunnelSteps::ppp, TunnelDepth::kPpp, TunnelState::kUp);
}

void Tunnel::OnPong(ByteView packet) {
  const std::optional<IcmpEcho> echo = ParseEcho(packet);
  if (!echo || !echo->reply || echo->id != kPingId) return;
  const std::optional<Duration> round_trip = SentAgo(echo->payload, Clock::now());
  if (!round_trip) return;
  ++report_.pings_answered;
  report_.last_ping = *round_trip;
  if (observer_ != nullptr) observer_->OnPong(*round_trip);
}

// Whatever is called out to may end the attempt, and the stream with it.
void Tunnel::Send(ByteView bytes) {
  if (stream_ != nullptr) stream_->Send(bytes);
}

void Tunnel::SendFrames(const std::vector<Bytes>& frames) {
  for (const Bytes& frame : frames) {
    report_.bytes_sent += frame.size();
    Send(sstp::EncodeData(frame));
  }
}

bool Tunnel::SendPayload(std::size_t bytes) {
  if (report_.state != TunnelState::kUp || options_.depth < TunnelDepth::kCall) return false;
  if (stream_->queued() > kMaxUnsent) return false;
  if (HasPpp()) {
    const Bytes payload = StampedPayload(bytes, Clock::now());
    const IcmpEcho echo{false,   report_.address,  report_.gateway,
                        kPingId, ++ping_sequence_, payload};
    ++report_.pings_sent;
    SendFrames({BuildFrame(kPppIpv4, BuildEcho(echo))});
  } else {
    // It begins with a magic number, which is zero while none is agreed on (RFC 1661, 5.9).
    const Bytes nothing(std::clamp(bytes, kMagicSize, kMaxPayload), 0);
    SendFrames({BuildPacket(kPppLcp, PppCode::kDiscardRequest, 0, nothing)});
  }
  return true;
}

void Tunnel::Echo() {
  ++report_.echoes_sent;
  Send(sstp::EncodeControl(MessageType::kEchoRequest));
}

}  // namespace sstplb::tunnel
