// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/ppp_negotiation.h"

#include <utility>

namespace sstplb::tunnel {

void PppNegotiation::Start(std::vector<Bytes>& out) {
  if (!std::exchange(started_, true)) Ask(out);
}

void PppNegotiation::Ask(std::vector<Bytes>& out) {
  if (++requests_ > kMaxRequests) return;
  out.push_back(
      BuildPacket(protocol_, PppCode::kConfigureRequest, ++id_, BuildOptions(policy_.Wanted())));
}

void PppNegotiation::OnTick(std::vector<Bytes>& out) {
  if (started_ && !ours_acked_) Ask(out);
}

void PppNegotiation::OnPacket(const PppPacket& packet, std::vector<Bytes>& out) {
  if (packet.code == PppCode::kConfigureRequest) {
    AnswerRequest(packet, out);
    return;
  }
  if (packet.id != id_ || ours_acked_ || !started_) return;  // to a request that is no longer ours
  const auto options = ParseOptions(packet.data);
  if (!options) return;
  switch (packet.code) {
    case PppCode::kConfigureAck:
      ours_acked_ = true;
      return;
    case PppCode::kConfigureNak:
      for (const PppOption& option : *options) policy_.OnNak(option);
      break;
    case PppCode::kConfigureReject:
      for (const PppOption& option : *options) policy_.OnReject(option);
      break;
    default:
      return;
  }
  Ask(out);
}

void PppNegotiation::AnswerRequest(const PppPacket& packet, std::vector<Bytes>& out) {
  if (++requests_ > kMaxRequests) return;
  const auto options = ParseOptions(packet.data);
  if (!options) return;
  std::vector<PppOption> naks;
  std::vector<PppOption> rejects;
  for (PppOption option : *options) {
    const PppPolicy::Answer answer = policy_.Judge(option);
    if (answer == PppPolicy::Answer::kNak)
      naks.push_back(std::move(option));
    else if (answer == PppPolicy::Answer::kReject)
      rejects.push_back(std::move(option));
  }
  PppCode code = PppCode::kConfigureAck;
  Bytes body(packet.data.begin(), packet.data.end());
  // Rejects go first (RFC 1661, 5.4): a Nak of the same request would speak of options to drop.
  if (!rejects.empty()) {
    code = PppCode::kConfigureReject;
    body = BuildOptions(rejects);
  } else if (!naks.empty()) {
    code = PppCode::kConfigureNak;
    body = BuildOptions(naks);
  }
  theirs_acked_ = code == PppCode::kConfigureAck;
  out.push_back(BuildPacket(protocol_, code, packet.id, body));
}

}  // namespace sstplb::tunnel
