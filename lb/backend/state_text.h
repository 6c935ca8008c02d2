// State text: what is kept over a restart, as a value and as the text of a file.
//
// Pure: no file and no clock. The grammar and the rules of its versions are docs/state_file.md.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lb/backend/decision.h"
#include "lb/base/address.h"
#include "lb/base/result.h"
#include "lb/base/time.h"

namespace sstplb::backend {

// A part of the file that this version does not know: carried along, so that an older sstplb does
// not lose what a newer one kept.
struct StateSection {
  std::string name;
  std::string json;  // compact

  bool operator==(const StateSection&) const = default;
};

// Where one client of a source-ip pool was last.
struct AffinityClient {
  IpAddress source;           // an IPv6 one is its /64
  std::uint32_t backend = 0;  // an index into the pool's `backends`
  WallTime until;             // forgotten then

  bool operator==(const AffinityClient&) const = default;
};

struct PoolAffinity {
  std::string pool;
  std::vector<std::string> backends;
  std::vector<AffinityClient> clients;

  bool operator==(const PoolAffinity&) const = default;
};

// A client that was moved to another backend, and is to be left alone for a day
// (docs/rebalance.md).
struct MovedClient {
  IpAddress source;  // an IPv6 one is its /64
  WallTime when;

  bool operator==(const MovedClient&) const = default;
};

// The certificate that a backend has shown last, and what was told about it (docs/probes.md).
struct KnownCertificate {
  std::string pool;
  std::string backend;
  std::string sha256;
  std::map<std::string, std::string> told;  // a finding's word, and its evidence

  bool operator==(const KnownCertificate&) const = default;
};

struct State {
  std::vector<Decision> decisions;
  std::vector<RebalanceRun> rebalances;  // at most one for a pool
  std::vector<MovedClient> moved;
  std::vector<KnownCertificate> certificates;
  std::vector<PoolAffinity> affinity;
  std::vector<StateSection> others;  // give back what ParseState() found

  bool operator==(const State&) const = default;
};

// Times are kept in milliseconds, those of clients in seconds, cut towards the past. An error when
// a string is not UTF-8.
Result<std::string> FormatState(const State& state, WallTime now);

// The same in two steps, since the affinity is long and need not be put into words again for every
// decision: what FormatAffinity() gave, for FormatState() to take instead of state.affinity.
Result<std::string> FormatAffinity(const std::vector<PoolAffinity>& affinity);
Result<std::string> FormatState(const State& state, std::string_view affinity, WallTime now);

// All or nothing: the error names what is wrong, and where. Every strict prefix of what
// FormatState() makes is an error.
Result<State> ParseState(std::string_view text);

}  // namespace sstplb::backend
