// Signal: what one session has shown of its backend, from one table (signal.def).
//
// Pure: the course of a session in, at most one signal out. A session gives one for each connect
// that failed, and one for the backend that took it, at the first moment that it is sure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/session/close_reason.h"

namespace sstplb::session {

enum class Signal : std::uint8_t {
#define SIGNAL(enumerator, word, failure, sentence) enumerator,
#include "lb/session/signal.def"
#undef SIGNAL
};

struct SignalInfo {
  std::string_view word;
  bool failure;
  std::string_view sentence;
};

inline constexpr SignalInfo kSignals[] = {
#define SIGNAL(enumerator, word, failure, sentence) {word, failure, sentence},
#include "lb/session/signal.def"
#undef SIGNAL
};
inline constexpr std::size_t kSignalCount = sizeof kSignals / sizeof kSignals[0];

inline const SignalInfo& Info(Signal signal) { return kSignals[static_cast<std::size_t>(signal)]; }
inline std::string_view ToString(Signal signal) { return Info(signal).word; }

// How far TLS has come on a session, as far as can be seen from outside.
enum class TlsStage : std::uint8_t {
  kUnseen,  // no TLS, or nothing that could be followed
  kHandshake,
  kDone,
  kAlertClient,
  kAlertServer
};
inline constexpr std::size_t kTlsStageCount = 5;

// A tunnel that ended sooner and carried less had not begun: authentication and what comes after
// it take some kilobytes and less than a minute.
inline constexpr Duration kBriefTunnel = std::chrono::seconds(60);
inline constexpr std::uint64_t kLittleTraffic = std::uint64_t{32} * 1024;  // both ways together
// A server that is full closes within this.
inline constexpr Duration kAtOnce = std::chrono::seconds(1);
// A client that left sooner did not wait for its answer.
inline constexpr Duration kPatience = std::chrono::seconds(5);
// A client that has said less behind the TLS handshake has asked for no tunnel: the shortest
// request of SSTP has 121 bytes, and its TLS record 22 more.
inline constexpr std::uint64_t kShortestRequest = 128;

// A session that a backend has taken.
struct Course {
  Duration lived{};  // since it was connected
  std::uint64_t to_backend_bytes = 0;
  std::uint64_t to_client_bytes = 0;
  TlsStage tls = TlsStage::kUnseen;
  std::uint64_t handshake_bytes = 0;  // of to_backend_bytes; those of the TLS handshake, once done
};

// While it lives: ok, or an alert. Nothing as long as neither is sure.
std::optional<Signal> SignalOfLiving(const Course& course);
// When it ends. Nothing when the end says nothing of the backend, as when we closed it.
std::optional<Signal> SignalOfEnd(const Course& course, CloseReason reason);

// One client's signal. Who a source is: IpAddress::SourceKey(); a network is a /24 or a /48.
struct Sighting {
  std::uint64_t source = 0;   // a hash
  std::uint64_t network = 0;  // likewise
  Signal signal = Signal::kOk;
};
// So many sources of one network count at a backend, the latest: who holds a network holds as many
// addresses as he likes.
inline constexpr std::size_t kSourcesOfNetwork = 2;
std::uint64_t SourceHash(const IpAddress& client);
std::uint64_t NetworkHash(const IpAddress& client);

}  // namespace sstplb::session
