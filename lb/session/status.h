// SessionStatus: one live session as an operator sees it, copied out of its worker.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/session/liveness.h"

namespace sstplb::session {

// Unique while the process lives; printed in hexadecimal. The upper bits name the worker.
using SessionId = std::uint64_t;
std::string ToString(SessionId id);
std::optional<SessionId> ParseSessionId(std::string_view text);

// What a session is waiting for (docs/life_of_a_session.md).
enum class Phase : std::uint8_t { kGreeting, kQueued, kConnecting, kRelaying, kFinishing };
std::string_view ToString(Phase phase);

struct SessionStatus {
  SessionId id = 0;
  Phase phase = Phase::kGreeting;
  std::string listener;
  SocketAddress client;                // the PROXY header's when there was one
  std::optional<SocketAddress> proxy;  // who connected, when a PROXY header named the client
  std::string sni;                     // normalised; "" when there was none
  std::string ja4;
  std::string pool;
  std::string backend;  // "" until one is picked
  std::optional<SocketAddress> backend_address;
  Duration age{};
  Duration idle{};                   // since the last byte either way
  std::optional<Liveness> liveness;  // once a backend has it
  Duration client_idle{};            // since the last byte of the client; likewise
  Duration backend_idle{};
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_bytes = 0;
  bool handshake_done = false;
};

// Which sessions are meant; an empty filter means all.
struct SessionFilter {
  std::optional<SessionId> id;
  std::string pool;
  std::string backend;  // with `pool`
  std::string listener;
  std::string sni;
  std::optional<Cidr> source;
  std::optional<Duration> older;  // at least this age
  std::optional<Duration> idle;   // idle for at least this long
  std::optional<Liveness> liveness;

  bool Matches(const SessionStatus& session) const;
  bool IsEmpty() const;
};

}  // namespace sstplb::session
