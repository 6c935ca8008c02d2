// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/ppp_link.h"

#include <algorithm>
#include <utility>

namespace sstplb::tunnel {
namespace {

// LCP options (RFC 1661, section 6).
constexpr std::uint8_t kMru = 1;
constexpr std::uint8_t kAsyncMap = 2;
constexpr std::uint8_t kAuthentication = 3;
constexpr std::uint8_t kMagic = 5;
// IPCP options (RFC 1332, RFC 1877).
constexpr std::uint8_t kIpAddress = 3;
constexpr std::uint8_t kPrimaryDns = 129;

// Leaves room for IP, TCP, TLS and SSTP around it within 1500 bytes.
constexpr std::uint16_t kMruValue = 1400;
constexpr std::uint8_t kMaxPapTries = 10;
constexpr std::size_t kMaxName = 255;  // of users and passwords: PAP has a byte for their length
constexpr std::uint8_t kMschapResponseSize = 49;  // RFC 2759, section 4

Bytes U16Bytes(std::uint16_t value) {
  Bytes bytes;
  Writer(bytes).U16(value);
  return bytes;
}

// How MS-CHAPv2 is asked for (RFC 2759, section 3).
Bytes MschapBytes() {
  Bytes bytes = U16Bytes(kPppChap);
  bytes.push_back(0x81);
  return bytes;
}

Bytes U32Bytes(std::uint32_t value) {
  Bytes bytes;
  Writer(bytes).U32(value);
  return bytes;
}

Bytes AddressBytes(const IpAddress& address) {
  const auto v4 = address.v4_bytes();
  return {v4.begin(), v4.end()};
}

std::optional<IpAddress> AddressFrom(const Bytes& value) {
  if (value.size() != 4) return std::nullopt;
  return IpAddress::V4({value[0], value[1], value[2], value[3]});
}

}  // namespace

std::vector<PppOption> PppLink::LcpPolicy::Wanted() const {
  std::vector<PppOption> options;
  if (ask_mru_) options.push_back({kMru, U16Bytes(kMruValue)});
  if (options_.server && ask_authentication_) {
    options.push_back({kAuthentication, U16Bytes(kPppPap)});
  }
  if (ask_magic_ && options_.magic != 0) options.push_back({kMagic, U32Bytes(options_.magic)});
  return options;
}

PppPolicy::Answer PppLink::LcpPolicy::Judge(PppOption& option) {
  switch (option.type) {
    case kMru:
    case kAsyncMap:
    case kMagic:
      return Answer::kAck;
    case kAuthentication:
      if (options_.server) return Answer::kReject;  // a server proves itself by its certificate
      mschap_ = option.value == MschapBytes();
      if (mschap_ || option.value == U16Bytes(kPppPap)) return Answer::kAck;
      option.value = MschapBytes();
      return Answer::kNak;
    default:
      return Answer::kReject;
  }
}

void PppLink::LcpPolicy::OnNak(const PppOption& option) {
  // A server insists on PAP; another size of frame is not worth another round.
  if (option.type == kMru) ask_mru_ = false;
}

void PppLink::LcpPolicy::OnReject(const PppOption& option) {
  if (option.type == kMru) ask_mru_ = false;
  if (option.type == kMagic) ask_magic_ = false;
  if (option.type == kAuthentication) ask_authentication_ = false;
}

std::vector<PppOption> PppLink::IpcpPolicy::Wanted() const {
  return {{kIpAddress, AddressBytes(options_.own)}};
}

PppPolicy::Answer PppLink::IpcpPolicy::Judge(PppOption& option) {
  const std::optional<IpAddress> asked = AddressFrom(option.value);
  if (option.type == kPrimaryDns && options_.server && asked) {
    if (!asked->is_unspecified()) return Answer::kAck;
    option.value = AddressBytes(options_.own);
    return Answer::kNak;
  }
  if (option.type != kIpAddress || !asked) return Answer::kReject;
  if (!options_.server) {
    options_.peer = *asked;
    return Answer::kAck;
  }
  if (*asked == options_.peer) return Answer::kAck;
  option.value = AddressBytes(options_.peer);
  return Answer::kNak;
}

void PppLink::IpcpPolicy::OnNak(const PppOption& option) {
  const std::optional<IpAddress> given = AddressFrom(option.value);
  if (!options_.server && option.type == kIpAddress && given) options_.own = *given;
}

PppLink::PppLink(PppOptions options)
    : options_(std::move(options)),
      lcp_policy_(options_),
      ipcp_policy_(options_),
      lcp_(kPppLcp, lcp_policy_),
      ipcp_(kPppIpcp, ipcp_policy_) {}

void PppLink::Start(std::vector<Bytes>& out) { lcp_.Start(out); }

void PppLink::OnFrame(const PppFrame& frame, std::vector<Bytes>& out) {
  if (phase_ == Phase::kEnded) return;
  const std::optional<PppPacket> packet = ParsePacket(frame.content);
  if (frame.protocol == kPppLcp && packet) {
    OnLcp(*packet, out);
  } else if (frame.protocol == kPppPap && packet) {
    OnPap(*packet, out);
  } else if (frame.protocol == kPppChap && packet && !options_.server) {
    OnChap(*packet, out);
  } else if (frame.protocol == kPppIpcp && packet) {
    // Before authentication it is silently discarded (RFC 1661, 3.5).
    if (phase_ >= Phase::kNetwork) ipcp_.OnPacket(*packet, out);
  } else if (frame.protocol != kPppIpv4 && phase_ >= Phase::kNetwork) {
    Bytes rejected = U16Bytes(frame.protocol);
    const ByteView shown = frame.content.first(std::min<std::size_t>(frame.content.size(), 256));
    rejected.insert(rejected.end(), shown.begin(), shown.end());
    out.push_back(BuildPacket(kPppLcp, PppCode::kProtocolReject, ++reject_id_, rejected));
  }
  Advance(out);
}

void PppLink::OnTick(std::vector<Bytes>& out) {
  if (phase_ == Phase::kEstablish) lcp_.OnTick(out);
  if (phase_ == Phase::kAuthenticate && !options_.server && !lcp_policy_.mschap()) SendPap(out);
  if (phase_ == Phase::kNetwork) ipcp_.OnTick(out);
  Advance(out);
}

void PppLink::Terminate(std::vector<Bytes>& out) {
  if (phase_ == Phase::kEnded) return;
  out.push_back(BuildPacket(kPppLcp, PppCode::kTerminateRequest, 1, {}));
  End("terminated by this end");
}

void PppLink::OnLcp(const PppPacket& packet, std::vector<Bytes>& out) {
  switch (packet.code) {
    case PppCode::kConfigureRequest:
    case PppCode::kConfigureAck:
    case PppCode::kConfigureNak:
    case PppCode::kConfigureReject:
      lcp_.Start(out);
      lcp_.OnPacket(packet, out);
      return;
    case PppCode::kTerminateRequest:
      out.push_back(BuildPacket(kPppLcp, PppCode::kTerminateAck, packet.id, {}));
      End("terminated by the peer");
      return;
    case PppCode::kEchoRequest: {
      // The answer carries this end's magic number, else it would look like a looped line.
      Bytes data = U32Bytes(options_.magic);
      if (packet.data.size() > 4) {
        data.insert(data.end(), packet.data.begin() + 4, packet.data.end());
      }
      out.push_back(BuildPacket(kPppLcp, PppCode::kEchoReply, packet.id, data));
      return;
    }
    default:
      return;
  }
}

void PppLink::OnPap(const PppPacket& packet, std::vector<Bytes>& out) {
  if (phase_ < Phase::kAuthenticate) return;
  if (options_.server) {
    if (packet.code == kPapRequest) OnPapRequest(packet, out);
  } else if (phase_ == Phase::kAuthenticate && packet.code == kPapAck) {
    authenticated_ = true;
  } else if (phase_ == Phase::kAuthenticate && packet.code == kPapNak) {
    End("authentication failed");
  }
}

void PppLink::OnPapRequest(const PppPacket& packet, std::vector<Bytes>& out) {
  Reader in(packet.data);
  ByteView user;
  ByteView password;
  if (!in.Vector8(user) || !in.Vector8(password)) return;
  const bool known = options_.user.empty() ||
                     (AsText(user) == options_.user && AsText(password) == options_.password);
  const Bytes no_message{0};
  out.push_back(BuildPacket(kPppPap, known ? kPapAck : kPapNak, packet.id, no_message));
  if (known) {
    authenticated_ = true;
  } else {
    End("authentication failed");
  }
}

void PppLink::OnChap(const PppPacket& packet, std::vector<Bytes>& out) {
  if (phase_ < Phase::kAuthenticate || !lcp_policy_.mschap()) return;
  if (packet.code == kChapChallenge) {
    AnswerChallenge(packet, out);
  } else if (packet.code == kChapFailure) {
    End("authentication failed");
  } else if (packet.code == kChapSuccess && phase_ == Phase::kAuthenticate && !proof_.empty()) {
    if (AsText(packet.data).starts_with(proof_)) {
      authenticated_ = true;
    } else {
      End("the server does not know the password either");
    }
  }
}

void PppLink::AnswerChallenge(const PppPacket& packet, std::vector<Bytes>& out) {
  Reader in(packet.data);
  ByteView value;
  MschapChallenge challenge{};
  if (!in.Vector8(value) || value.size() != challenge.size()) return;
  std::copy(value.begin(), value.end(), challenge.begin());
  const MschapAnswer answer =
      AnswerMschap(challenge, options_.challenge, options_.user, options_.password);
  proof_ = answer.proof;
  hlak_ = answer.hlak;
  Bytes data;
  Writer writer(data);
  writer.U8(kMschapResponseSize);
  writer.Raw(options_.challenge);
  data.resize(data.size() + 8);  // reserved
  writer.Raw(answer.response);
  writer.U8(0);  // flags
  writer.Raw(options_.user.substr(0, kMaxName));
  out.push_back(BuildPacket(kPppChap, kChapResponse, packet.id, data));
}

void PppLink::SendPap(std::vector<Bytes>& out) {
  if (++pap_id_ > kMaxPapTries) {
    End("no answer to the authentication");
    return;
  }
  Bytes data;
  Writer writer(data);
  for (const std::string& text : {options_.user, options_.password}) {
    const std::string bounded = text.substr(0, kMaxName);
    writer.U8(static_cast<std::uint8_t>(bounded.size()));
    writer.Raw(bounded);
  }
  out.push_back(BuildPacket(kPppPap, kPapRequest, pap_id_, data));
}

void PppLink::Advance(std::vector<Bytes>& out) {
  if (lcp_.failed() || ipcp_.failed()) End("the options could not be agreed on");
  if (phase_ == Phase::kEstablish && lcp_.open()) {
    phase_ = Phase::kAuthenticate;
    if (!options_.server && !lcp_policy_.mschap()) SendPap(out);
    // A client that refuses to authenticate is let in when anybody is.
    if (options_.server && !lcp_policy_.authenticated()) {
      if (options_.user.empty())
        authenticated_ = true;
      else
        End("the client refuses to authenticate");
    }
  }
  if (phase_ == Phase::kAuthenticate && authenticated_) {
    phase_ = Phase::kNetwork;
    ipcp_.Start(out);
  }
  if (phase_ == Phase::kNetwork && ipcp_.open()) phase_ = Phase::kOpen;
}

void PppLink::End(std::string why) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  why_ = std::move(why);
}

}  // namespace sstplb::tunnel
