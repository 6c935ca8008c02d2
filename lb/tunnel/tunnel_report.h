// How a tunnel stands: its states, how it ends, the time of each step. Plain values.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/sstp/message.h"

namespace sstplb::tunnel {

// How far a tunnel is set up before it counts as up.
enum class TunnelDepth : std::uint8_t {
  kTls,   // the handshake
  kPost,  // 200 for SSTP_DUPLEX_POST
  kCall,  // Call Connect Ack
  kPpp,   // an address, and Call Connected sent
};
std::string_view ToString(TunnelDepth depth);

enum class TunnelState : std::uint8_t {
  kIdle,
  kTcp,
  kTls,
  kPost,
  kCall,
  kPpp,
  kUp,
  kStopping,
  kWaiting,
  kEnded,
};
std::string_view ToString(TunnelState state);

enum class TunnelEnd : std::uint8_t {
  kNone,           // it has not ended yet
  kStopped,        // by Stop(), in order
  kLocalError,     // this host: no descriptor, no free port, no such source address
  kConnectFailed,  // TCP: refused, unreachable
  kTlsFailed,      // an alert, or bytes that are no TLS
  kHttpRefused,    // an answer other than 200; the detail has it
  kNak,            // the call was refused
  kPppFailed,      // authentication or options
  kAborted,        // the server sent Call Abort
  kDisconnected,   // the server sent Call Disconnect
  kClosed,         // the connection ended without a word
  kReset,          // by a RST
  kTimeout,        // a step of the set-up took too long
  kSilent,         // up, but nothing came any more
  kBadAnswer,      // not HTTP, not SSTP
};
std::string_view ToString(TunnelEnd end);

// Each step by itself, from the end of the one before; zero when it was not reached.
struct TunnelSteps {
  Duration tcp{}, tls{}, post{}, call{}, ppp{};
  Duration Total() const { return tcp + tls + post + call + ppp; }
};

// A tunnel as it is; of the newest attempt, but for the counts.
struct TunnelReport {
  TunnelState state = TunnelState::kIdle;
  TunnelState reached = TunnelState::kIdle;  // the furthest step of the attempt, up to kUp
  TunnelEnd end = TunnelEnd::kNone;          // of the attempt before when kTcp to kUp
  std::string detail;
  TunnelSteps steps;
  SocketAddress local;
  IpAddress address;  // given by the server
  IpAddress gateway;
  std::string tls_version;
  bool resumed = false;
  sstp::Hash32 certificate{};  // SHA-256 of what the server showed
  std::string server_header;
  Duration last_ping{};
  std::uint64_t attempts = 0;
  std::uint64_t times_up = 0;
  std::uint64_t echoes_sent = 0, echoes_answered = 0;
  std::uint64_t pings_sent = 0, pings_answered = 0;
  // Of PPP frames in SSTP data packets, without headers of SSTP.
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

}  // namespace sstplb::tunnel
