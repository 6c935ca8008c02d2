// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/server_call.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "lb/tunnel/icmp.h"

namespace sstplb::demo {
namespace {

using sstp::AttributeId;
using sstp::MessageType;
using sstp::StatusCode;

constexpr Duration kExhaustedAbort = std::chrono::microseconds(200);
constexpr int kMaxNaks = 3;  // the fourth bad Call Connect aborts (MS-SSTP 3.3.5.2.1)

void FillRandom(sstp::Hash32& out) { RAND_bytes(out.data(), static_cast<int>(out.size())); }

std::uint32_t MagicFrom(const sstp::Hash32& random) {
  return static_cast<std::uint32_t>(random[0]) << 24 | static_cast<std::uint32_t>(random[1]) << 16 |
         static_cast<std::uint32_t>(random[2]) << 8 | 1U;
}

// MS-SSTP 2.2.8: the status, and perhaps the value that it is about.
Bytes NakOf(const sstp::StatusInfo& info, std::optional<std::uint16_t> value) {
  if (!value) return sstp::EncodeCallConnectNak(info);
  sstp::Attribute attribute{AttributeId::kStatusInfo, {}};
  Writer out(attribute.value);
  out.U32(static_cast<std::uint32_t>(info.attribute));
  out.U32(static_cast<std::uint32_t>(info.status));
  out.U16(*value);
  return sstp::EncodeControl({MessageType::kCallConnectNak, {attribute}});
}

}  // namespace

ServerCall::ServerCall(CallHost& host, const ServerOptions& options, const Bytes& certificate_der,
                       AddressPool& pool, ServerCounters& counters)
    : host_(host),
      options_(options),
      certificate_der_(certificate_der),
      pool_(pool),
      counters_(counters) {}

void ServerCall::OnPacket(const sstp::Packet& packet, TimePoint now) {
  heard_ = now;
  hello_sent_ = false;
  if (!packet.control) {
    if (state_ == State::kAcknowledged || state_ == State::kConnected) OnData(packet.body);
    return;
  }
  const auto message = sstp::ParseControl(packet.body);
  if (!message.ok()) {
    Abort({AttributeId::kNoError, StatusCode::kInvalidFrame});
    return;
  }
  OnControl(*message, now);
}

void ServerCall::OnControl(const sstp::ControlMessage& message, TimePoint now) {
  // After an end only the peer's own end is looked at, and nothing is left to do about it.
  if (state_ == State::kEnding) return;
  switch (message.type) {
    case MessageType::kCallConnectRequest:
      OnCallConnect(message, now);
      return;
    case MessageType::kCallConnected:
      OnCallConnected(message);
      return;
    case MessageType::kEchoRequest:
      OnEcho();
      return;
    case MessageType::kEchoResponse:
      return;
    case MessageType::kCallDisconnect:
      ++counters_.disconnects;
      SendControl(sstp::EncodeControl(MessageType::kCallDisconnectAck));
      End();
      return;
    case MessageType::kCallAbort:
      ++counters_.aborts;
      SendControl(sstp::EncodeControl(MessageType::kCallAbort));
      End();
      return;
    default:
      Abort({AttributeId::kNoError, StatusCode::kUnacceptedFrame});
  }
}

void ServerCall::OnCallConnect(const sstp::ControlMessage& message, TimePoint now) {
  if (state_ != State::kWaiting) {
    Abort({AttributeId::kNoError, StatusCode::kUnacceptedFrame});
    return;
  }
  ++counters_.calls;
  const std::optional<std::uint16_t> protocol = sstp::EncapsulatedProtocol(message);
  const bool good = protocol == sstp::kProtocolPpp;
  if (!good || host_.fault().kind == FaultKind::kNak) {
    const sstp::StatusInfo info{AttributeId::kEncapsulatedProtocol, StatusCode::kValueNotSupported};
    if (++naks_ > kMaxNaks) {
      Abort({AttributeId::kEncapsulatedProtocol, StatusCode::kRetryCountExceeded});
    } else {
      const bool with_value = options_.personality.nak_has_value;
      SendControl(NakOf(info, with_value ? protocol.value_or(0) : std::optional<std::uint16_t>()));
    }
    host_.OnCallChanged();
    return;
  }
  const FaultKind fault = host_.fault().kind;
  if (fault == FaultKind::kHangAtCall || fault == FaultKind::kAbortCall) {
    if (fault == FaultKind::kAbortCall) {
      Abort({AttributeId::kNoError, StatusCode::kNegotiationTimeout});
    }
    host_.OnCallChanged();
    return;
  }
  state_ = State::kAcknowledged;
  requested_at_ = now;
  offered_.hash_mask = options_.personality.hash_mask;
  FillRandom(offered_.nonce);
  if (host_.fault().kind != FaultKind::kAbortAfterAck) address_ = pool_.Take();
  SendControl(host_.fault().kind == FaultKind::kBareAck
                  ? sstp::EncodeControl(MessageType::kCallConnectAck)
                  : sstp::EncodeCallConnectAck(offered_));
  if (address_) {
    // While a leak is possible there is no PPP yet: both end when sstp-server's child is up. And
    // PPP never overtakes an Ack that is late.
    const Duration wait = std::max(options_.leak_window, Slowness());
    if (wait.count() > 0) {
      host_.After(wait, [this] { StartPpp(); });
    } else {
      StartPpp();
    }
  } else {
    // As an sstp-server whose addresses have all been given out.
    host_.After(kExhaustedAbort,
                [this] { host_.SendPacket(sstp::EncodeControl(MessageType::kCallAbort)); });
    End();
  }
  host_.OnCallChanged();
}

void ServerCall::StartPpp() {
  if (!address_ || state_ == State::kEnding) return;
  ppp_.emplace(tunnel::PppOptions{true, options_.user, options_.password, MagicFrom(offered_.nonce),
                                  pool_.gateway(), *address_});
  if (!options_.personality.speaks_lcp_first) return;
  std::vector<Bytes> frames;
  ppp_->Start(frames);
  SendFrames(frames);
}

void ServerCall::OnCallConnected(const sstp::ControlMessage& message) {
  if (state_ != State::kAcknowledged) {
    Abort({AttributeId::kNoError, StatusCode::kUnacceptedFrame});
    return;
  }
  const auto binding = sstp::FindCryptoBinding(message);
  const bool valid =
      binding && tunnel::CheckBinding(*binding, offered_, certificate_der_, tunnel::Hlak{}) ==
                     tunnel::BindingVerdict::kValid;
  if (!valid) {
    ++counters_.bad_bindings;
    if (!options_.personality.ignores_bad_binding) {
      Abort({AttributeId::kCryptoBinding, StatusCode::kInvalidFrame});
      host_.OnCallChanged();
      return;
    }
  }
  state_ = State::kConnected;
  connected_ = true;
  ++counters_.connected;
  ++counters_.tunnels;
  host_.OnCallChanged();
}

void ServerCall::OnEcho() {
  ++counters_.echoes;
  if (state_ != State::kConnected) {
    if (!options_.personality.ignores_early_echo) {
      Abort({AttributeId::kNoError, StatusCode::kUnacceptedFrame});
    }
    return;
  }
  if (!options_.personality.answers_echo || host_.fault().kind == FaultKind::kNoEcho) return;
  SendControl(sstp::EncodeControl(MessageType::kEchoResponse));
}

void ServerCall::OnData(ByteView payload) {
  const std::optional<tunnel::PppFrame> frame = tunnel::ParseFrame(payload);
  if (!frame || !ppp_) return;
  if (frame->protocol == tunnel::kPppIpv4) {
    OnIpv4(frame->content);
    return;
  }
  std::vector<Bytes> frames;
  ppp_->OnFrame(*frame, frames);
  SendFrames(frames);
  if (ppp_->phase() == tunnel::PppLink::Phase::kEnded) {
    SendControl(sstp::EncodeControl(MessageType::kCallDisconnect));
    End();
  }
}

void ServerCall::OnIpv4(ByteView packet) {
  // MS-SSTP: no data of the upper layer before Call Connected.
  if (state_ != State::kConnected || ppp_->phase() != tunnel::PppLink::Phase::kOpen) return;
  std::optional<tunnel::IcmpEcho> echo = tunnel::ParseEcho(packet);
  if (!echo || echo->reply || echo->destination != pool_.gateway()) return;
  ++counters_.pings;
  if (host_.fault().kind == FaultKind::kNoEcho) return;
  echo->reply = true;
  std::swap(echo->source, echo->destination);
  SendFrames({tunnel::BuildFrame(tunnel::kPppIpv4, tunnel::BuildEcho(*echo))});
}

void ServerCall::OnTick(TimePoint now) {
  if (state_ == State::kAcknowledged && ppp_) {
    std::vector<Bytes> frames;
    ppp_->OnTick(frames);
    SendFrames(frames);
  }
  if (state_ != State::kConnected || now - heard_ < options_.hello_interval) return;
  if (hello_sent_) {
    Abort({AttributeId::kNoError, StatusCode::kNegotiationTimeout});
    return;
  }
  hello_sent_ = true;
  heard_ = now;
  SendControl(sstp::EncodeControl(MessageType::kEchoRequest));
}

void ServerCall::Abort(const sstp::StatusInfo& info) {
  if (state_ == State::kEnding) return;
  SendControl(sstp::EncodeCallAbort(info));
  End();
}

void ServerCall::End() {
  state_ = State::kEnding;
  host_.After(options_.personality.close_delay + Slowness(), [this] { host_.CloseConnection(); });
}

void ServerCall::OnLost(bool by_client, TimePoint now) {
  if (connected_) --counters_.tunnels;
  const bool taken = address_.has_value();
  if (taken && !connected_ && by_client) ++counters_.half_open_left;
  if (taken && by_client && now - requested_at_ < options_.leak_window) {
    ++counters_.addresses_leaked;
  } else if (taken) {
    pool_.Return(*address_);
  }
  address_.reset();
  connected_ = false;
}

Duration ServerCall::Slowness() const {
  const Fault& fault = host_.fault();
  return fault.kind == FaultKind::kSlow ? fault.delay : Duration{};
}

void ServerCall::SendControl(Bytes packet) {
  if (Slowness().count() > 0) {
    host_.After(Slowness(), [this, packet = std::move(packet)] { host_.SendPacket(packet); });
  } else {
    host_.SendPacket(packet);
  }
}

void ServerCall::SendFrames(const std::vector<Bytes>& frames) {
  for (const Bytes& frame : frames) host_.SendPacket(sstp::EncodeData(frame));
}

}  // namespace sstplb::demo
