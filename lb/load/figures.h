// Figures: what became of the tunnels of a load. Plain values of bounded size: every worker counts
// its own, and they are merged.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lb/load/histogram.h"
#include "lb/sstp/message.h"
#include "lb/tunnel/tunnel_report.h"

namespace sstplb::load {

enum class Step : std::uint8_t { kTcp, kTls, kPost, kCall, kPpp };
inline constexpr std::size_t kSteps = 5;
// "tcp", "tls", "post", "ack" and "ppp".
std::string_view ToString(Step step);
// The steps that a tunnel of that depth takes.
std::size_t StepsOf(tunnel::TunnelDepth depth);

// Why a tunnel failed or was lost.
struct Reason {
  tunnel::TunnelEnd end = tunnel::TunnelEnd::kNone;
  std::string detail;  // may hold what a server said; "" where it would only repeat the end

  std::string_view Word() const;  // "http_refused"; "other" for a reason by default
  std::string Text() const;       // "http_refused: 503 Service Unavailable"
  auto operator<=>(const Reason&) const = default;
};
Reason ReasonOf(const tunnel::TunnelReport& report);

// Values by key, with a bound on what a server can make us keep: further keys share that of Key{}.
template <class Key, class Value>
class Tally {
 public:
  static constexpr std::size_t kMost = 24;

  Value& At(const Key& key) {
    const auto found = values_.find(key);
    if (found != values_.end()) return found->second;
    return values_[values_.size() < kMost ? key : Key{}];
  }
  const std::map<Key, Value>& all() const { return values_; }

 private:
  std::map<Key, Value> values_;
};

// A certificate's SHA-256 as lower-case hex.
std::string Fingerprint(const sstp::Hash32& hash);

struct StepFigures {
  Histogram took;  // of those that got through
  std::uint64_t failed = 0;
  Tally<Reason, std::uint64_t> reasons;
};

// What moves all the time: few numbers, to be asked for often.
struct Counts {
  std::uint64_t started = 0;
  std::uint64_t came_up = 0;
  std::uint64_t failed = 0;     // did not come up
  std::uint64_t lost = 0;       // came up, and ended otherwise than in order
  std::uint64_t closed = 0;     // came up, and ended in order
  std::uint64_t left_open = 0;  // of these, those that the server did not close in time
  std::uint64_t given_up = 0;   // were being set up when the load was stopped
  std::uint64_t up = 0;         // now
  // Of PPP frames in SSTP data packets.
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t packets_skipped = 0;  // of payload, since TCP did not take what was sent before

  // Now: being set up, and disconnected but not closed by the server yet.
  std::uint64_t SettingUp() const { return started - came_up - failed - given_up; }
  std::uint64_t Ending() const { return came_up - up - lost - closed; }
  void Merge(const Counts& other);
};

struct Figures {
  Counts counts;
  std::array<StepFigures, kSteps> steps;
  Histogram setup;  // all steps together, of tunnels that came up
  Histogram pings;  // round trips
  std::uint64_t pings_sent = 0;
  Tally<Reason, Histogram> losses;  // the ages
  // Tunnels by the SHA-256 of the certificate they were shown: how they were spread.
  Tally<sstp::Hash32, std::uint64_t> certificates;
  // While held.
  std::uint64_t held_bytes_sent = 0;
  std::uint64_t held_bytes_received = 0;

  void Merge(const Figures& other);
};

}  // namespace sstplb::load
