// Images: a session as plain values, enough for another process to go on with its sockets
// (docs/handoff_format.md).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/time.h"
#include "lb/session/close_reason.h"
#include "lb/session/signal.h"
#include "lb/session/status.h"

namespace sstplb::session {

// One direction, between two calls of Flow::Move().
struct FlowImage {
  std::uint64_t bytes = 0;
  bool bulk = false;
  std::uint8_t portion = 0;
  bool saw_eof = false;
  bool ended = false;
  Bytes held;  // read and not yet written
};

// What stays as it is while a session relays.
struct Identity {
  SessionId id = 0;
  std::string listener;
  std::string pool;
  std::string backend;
  SocketAddress client;
  SocketAddress backend_address;
  std::optional<SocketAddress> proxy;
  std::string sni;
  std::string ja4;
  Duration idle_timeout{};
  Duration rhythm{};  // 0: there is none
  TimePoint opened;
  TimePoint connected;
  bool in_limits = false;    // counts in the limits of its source
  bool in_affinity = false;  // and in the affinity table of its pool
};

// What moves.
struct Motion {
  SessionId id = 0;
  std::optional<CloseReason> first_eof;  // kClientEof or kBackendEof
  TimePoint client_spoke;
  TimePoint backend_spoke;
  TlsStage tls = TlsStage::kUnseen;
  bool signalled = false;  // its signal of the backend is given
  Duration handshake{};
  std::uint32_t retransmits[2] = {0, 0};  // client, backend
  FlowImage to_backend;
  FlowImage to_client;
  Bytes observer;                     // tls::RecordObserver::Save(); empty: nothing more to observe
  std::uint32_t handshake_bytes = 0;  // of the client, once the handshake is done
  TimePoint handshake_until;          // of the one under way; zero: there is none, or no limit
};

// A session without a backend; one that is connecting gives its attempt up and becomes this.
struct GreetingImage {
  SessionId id = 0;
  std::string listener;
  SocketAddress peer;
  TimePoint opened;
  TimePoint last_byte;
  bool in_limits = false;
  std::optional<CloseReason> refused;  // its alert is sent
  Bytes read;                          // all that came from the client
  TimePoint first_queued;              // for a place at a backend; zero: never
};

}  // namespace sstplb::session
