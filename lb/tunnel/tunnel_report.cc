// SPDX-License-Identifier: Apache-2.0
#include "lb/tunnel/tunnel_report.h"

namespace sstplb::tunnel {

std::string_view ToString(TunnelDepth depth) {
  switch (depth) {
    case TunnelDepth::kTls:
      return "tls";
    case TunnelDepth::kPost:
      return "post";
    case TunnelDepth::kCall:
      return "call";
    case TunnelDepth::kPpp:
      return "ppp";
  }
  return "unknown";
}

std::string_view ToString(TunnelState state) {
  switch (state) {
    case TunnelState::kIdle:
      return "idle";
    case TunnelState::kTcp:
      return "tcp";
    case TunnelState::kTls:
      return "tls";
    case TunnelState::kPost:
      return "post";
    case TunnelState::kCall:
      return "call";
    case TunnelState::kPpp:
      return "ppp";
    case TunnelState::kUp:
      return "up";
    case TunnelState::kStopping:
      return "stopping";
    case TunnelState::kWaiting:
      return "waiting";
    case TunnelState::kEnded:
      return "ended";
  }
  return "unknown";
}

std::string_view ToString(TunnelEnd end) {
  switch (end) {
    case TunnelEnd::kNone:
      return "none";
    case TunnelEnd::kStopped:
      return "stopped";
    case TunnelEnd::kLocalError:
      return "local_error";
    case TunnelEnd::kConnectFailed:
      return "connect_failed";
    case TunnelEnd::kTlsFailed:
      return "tls_failed";
    case TunnelEnd::kHttpRefused:
      return "http_refused";
    case TunnelEnd::kNak:
      return "nak";
    case TunnelEnd::kPppFailed:
      return "ppp_failed";
    case TunnelEnd::kAborted:
      return "aborted";
    case TunnelEnd::kDisconnected:
      return "disconnected";
    case TunnelEnd::kClosed:
      return "closed";
    case TunnelEnd::kReset:
      return "reset";
    case TunnelEnd::kTimeout:
      return "timeout";
    case TunnelEnd::kSilent:
      return "silent";
    case TunnelEnd::kBadAnswer:
      return "bad_answer";
  }
  return "unknown";
}

}  // namespace sstplb::tunnel
