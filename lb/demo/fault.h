// What a demo server can be told to do wrong, each as a real server was seen to do it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lb/base/time.h"

namespace sstplb::demo {

enum class FaultKind : std::uint8_t {
  kNone,
  kFreeze,          // the kernel accepts, the server does not: a stopped process
  kRefuse,          // nothing listens, the port stays reserved: a process that died
  kCloseAtAccept,   // accepts and closes at once: accel-ppp when it is full
  kHangAtAccept,    // accepts and says nothing; not even a PROXY header is looked at
  kHangAtTls,       // takes the PROXY header if one is due, then no ServerHello
  kNotTls,          // answers a ClientHello in plain HTTP
  kTlsAlert,        // a fatal handshake_failure for every ClientHello
  kHangAtPost,      // TLS, but no answer to any request: Debian's SoftEther
  kHttpStatus,      // `http_status` for every request: 404, 501, 503
  kEmptyReason,     // 200 without a reason phrase; all else is well
  kPlainOk,         // 200 to anything, with an ordinary length: a web server
  kCloseAfterPost,  // reads the request and closes
  kNak,             // refuses every Call Connect
  kHangAtCall,      // 200, but no answer to a Call Connect
  kAbortCall,       // answers a Call Connect with an Abort
  kBareAck,         // acknowledges without a crypto binding request
  kAbortAfterAck,   // acknowledges, then aborts after 0.2 ms: an exhausted sstp-server
  kReset,           // RST once `bytes` of SSTP have passed, both ways together; 0: at the first
  kNeverClose,      // answers a Disconnect or an Abort and then stays open
  kNoEcho,          // never answers an Echo Request, nor a ping
  kSlow,            // every step answers `delay` late: TLS, POST and each control message
};

// "hang_at_tls"; what FaultKindFromString() takes.
std::string_view ToString(FaultKind kind);
std::optional<FaultKind> FaultKindFromString(std::string_view text);

// Looked at when its step comes: a fault that is switched on also meets connections that are
// already open, one that is switched off lets later steps go right.
struct Fault {
  FaultKind kind = FaultKind::kNone;
  int http_status = 503;  // kHttpStatus
  std::size_t bytes = 0;  // kReset
  Duration delay{};       // kSlow
};

}  // namespace sstplb::demo
