// SPDX-License-Identifier: Apache-2.0
#include "lb/session/signal.h"

#include <algorithm>

namespace sstplb::session {
namespace {

enum class Ender : std::uint8_t { kBackend, kClient, kSilence, kUs };

Ender EnderOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kBackendEof:
    case CloseReason::kBackendReset:
      return Ender::kBackend;
    case CloseReason::kClientEof:
    case CloseReason::kClientReset:
      return Ender::kClient;
    case CloseReason::kBackendTimeout:
    case CloseReason::kIdle:
    case CloseReason::kDead:
    case CloseReason::kHandshakeTimeout:
      return Ender::kSilence;
    default:
      return Ender::kUs;
  }
}

bool CarriedLittle(const Course& course) {
  return course.to_backend_bytes + course.to_client_bytes < kLittleTraffic;
}

// As one holder mostly has it.
IpAddress NetworkOf(const IpAddress& client) {
  auto bytes = client.bytes();
  std::fill(bytes.begin() + (client.is_v4() ? 15 : 6), bytes.end(), std::uint8_t{0});
  return IpAddress::V6(bytes);
}

// A scanner, or who watches over certificates, does TLS and leaves.
bool AskedNothing(const Course& course) {
  return course.tls == TlsStage::kDone &&
         course.to_backend_bytes - course.handshake_bytes < kShortestRequest;
}

}  // namespace

std::optional<Signal> SignalOfLiving(const Course& course) {
  switch (course.tls) {
    case TlsStage::kAlertClient:
      return Signal::kAlertClient;
    case TlsStage::kAlertServer:
      return Signal::kAlertServer;
    case TlsStage::kHandshake:
      return std::nullopt;
    case TlsStage::kUnseen:
    case TlsStage::kDone:
      break;
  }
  if (course.to_client_bytes == 0) return std::nullopt;
  if (course.lived < kBriefTunnel && CarriedLittle(course)) return std::nullopt;
  return Signal::kOk;
}

std::optional<Signal> SignalOfEnd(const Course& course, CloseReason reason) {
  const Ender ender = EnderOf(reason);
  if (course.to_client_bytes == 0) {
    if (ender == Ender::kBackend && course.lived < kAtOnce) return Signal::kClosedAtOnce;
    if (ender == Ender::kUs || (ender == Ender::kClient && course.lived < kPatience)) {
      return std::nullopt;
    }
    return Signal::kSilent;
  }
  if (const auto known = SignalOfLiving(course)) return known;
  if (course.tls == TlsStage::kHandshake) {
    // A client that leaves in the middle may have come only to look.
    if (ender == Ender::kBackend) return Signal::kHandshakeBroken;
    return std::nullopt;
  }
  const std::optional died = Signal::kDiedEarly;
  if (ender == Ender::kClient) return AskedNothing(course) ? std::nullopt : died;
  // A server does not wait for ever for one who says nothing.
  if (ender == Ender::kBackend) {
    return AskedNothing(course) && course.lived >= kPatience ? std::nullopt : died;
  }
  return std::nullopt;
}

std::uint64_t SourceHash(const IpAddress& client) { return IpAddressHash()(client.SourceKey()); }
std::uint64_t NetworkHash(const IpAddress& client) { return IpAddressHash()(NetworkOf(client)); }

}  // namespace sstplb::session
