// The messages of a handoff as values (docs/handoff_format.md), but for those of sessions
// (session_codec.h).
//
// Encode... appends to `body`, Decode... reads a whole body; nullopt: it is none of the format.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/balance/stick_table.h"
#include "lb/base/address.h"
#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "lb/base/time.h"
#include "probes/rise_fall.h"

namespace sstplb::handoff {

// The versions of the format that this program speaks.
inline constexpr std::uint16_t kLowestVersion = 1;
inline constexpr std::uint16_t kHighestVersion = 1;

// Bit 0: the observer's state, as this version of the observer lays it out.
inline constexpr std::uint32_t kFeatureObserver = 1u << 0;
inline constexpr std::uint32_t kFeatures = kFeatureObserver;

struct Hello {
  std::uint16_t lowest = kLowestVersion;
  std::uint16_t highest = kHighestVersion;
  std::uint32_t features = kFeatures;
  std::uint32_t descriptors = 0;  // that the new process may have open
  std::string program;            // its version
};
void EncodeHello(const Hello& hello, Bytes& body);
std::optional<Hello> DecodeHello(ByteView body);

struct Offer {
  std::uint16_t version = kHighestVersion;
  std::uint32_t features = 0;  // of both
  std::uint32_t workers = 0;
  std::uint32_t sessions = 0;     // about
  std::uint32_t descriptors = 0;  // that the new process will need, about
  std::string program;
};
void EncodeOffer(const Offer& offer, Bytes& body);
std::optional<Offer> DecodeOffer(ByteView body);

enum class SocketKind : std::uint8_t { kListener = 1, kAdminSocket, kAdminHttp, kHandoff };

// One listening socket on its way.
struct OfferedSocket {
  SocketKind kind = SocketKind::kListener;
  std::string name;                         // of the listener; the path of a Unix socket
  std::uint32_t worker = 0;                 // of a listener
  std::optional<SocketAddress> configured;  // the address as configured: port 0 stays 0
  bool shared = false;                      // others have copies: workers, the service manager
  Fd fd;
};
// The descriptors go beside the body, in the same order.
void EncodeSocket(const OfferedSocket& socket, Bytes& body);
std::optional<std::vector<OfferedSocket>> DecodeSockets(ByteView body, std::vector<Fd>&& fds);

// What sessions have shown of one backend.
struct Ejection {
  TimePoint since;
  TimePoint until;
  std::string signal;  // its word
  std::uint32_t failures = 0;
  std::uint32_t sources = 0;
  std::uint32_t other_failures = 0;
  std::uint32_t other_sources = 0;
};

// What is known of one backend beside the configuration and the operator's decisions.
struct BackendState {
  std::string pool;
  std::string backend;
  probes::RiseFall::Memory probed;
  std::optional<SocketAddress> resolved;
  std::optional<WallTime> down_since;      // dead since then
  std::optional<backend::Drain> departed;  // removed: it is in the configuration of CONFIG only for
                                           // the sessions that are left
  std::optional<TimePoint> ready_since;    // when it came back; absent: it was never away
  std::uint32_t ejections = 0;             // in a row
  TimePoint readmitted;                    // from the last of them
  std::optional<Ejection> ejected;
  std::string server_kind;                // learned from its answers; "" when unknown
  std::uint64_t certificate_changes = 0;  // what it shows and what was told: in `decisions`
};
void EncodeBackend(const BackendState& state, Bytes& body);
std::optional<std::vector<BackendState>> DecodeBackends(ByteView body);

struct Affinity {
  std::string pool;
  balance::StickEntry entry;  // without sessions: they count themselves
};
void EncodeAffinity(const Affinity& affinity, Bytes& body);
std::optional<std::vector<Affinity>> DecodeAffinity(ByteView body);

// Of all handoffs so far.
struct HandoffCounts {
  std::uint64_t taken = 0;
  std::uint64_t failed = 0;
  std::uint64_t sessions = 0;
  std::vector<std::uint64_t> pauses;  // buckets of sstplb_handoff_pause_seconds
  Duration pause_sum{};
};

// A drain of the whole balancer, and what the line of processes has counted.
struct ControlState {
  HandoffCounts handoffs;
  std::optional<backend::Drain> drain_all;
  bool refusing = false;  // it has begun: no client is taken
};
void EncodeControl(const ControlState& state, Bytes& body);
std::optional<ControlState> DecodeControl(ByteView body);

struct End {
  std::uint32_t relaying = 0;
  std::uint32_t greeting = 0;
  TimePoint frozen;                // when the old process stopped
  std::uint64_t last_session = 0;  // no id up to this count may be given again
};
void EncodeEnd(const End& end, Bytes& body);
std::optional<End> DecodeEnd(ByteView body);

// All of the old process but its sockets and sessions.
struct State {
  std::string config;     // TOML
  std::string decisions;  // a state file
  std::vector<BackendState> backends;
  std::vector<Affinity> affinity;
  ControlState control;
};

}  // namespace sstplb::handoff
