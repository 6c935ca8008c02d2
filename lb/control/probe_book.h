// ProbeBook: what the probes of every backend have found so far.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "lb/config/config.h"
#include "lb/control/api.h"
#include "metrics/histogram.h"
#include "probes/outcome.h"
#include "probes/report.h"
#include "probes/rise_fall.h"
#include "probes/scheduler.h"

namespace sstplb::control {

// One backend's page.
struct ProbePage {
  probes::ProbeReport last;
  probes::RiseFall state{1, 1};
  config::ProbeKind kind = config::ProbeKind::kNone;
  std::string server_kind;      // what all answers so far tell; "" when nothing does
  std::uint64_t postponed = 0;  // probes that its budget put off
  std::array<std::uint64_t, probes::kOutcomeCount> outcomes{};
  std::map<probes::Step, metrics::Histogram> steps;
};

// Belongs to the control loop.
class ProbeBook {
 public:
  using Key = std::pair<std::string, std::string>;  // pool, backend

  ProbePage& Record(const Key& key, const probes::ProbeAnswer& answer);
  void Remove(const Key& key);

  // The kind of server that another process has learned, for a backend without a page.
  void RestoreServerKind(const Key& key, const std::string& kind) { learned_[key] = kind; }
  // "" when nothing tells.
  std::string ServerKindOf(const Key& key) const;

  // Null when no probe of it has ended yet.
  const ProbePage* Find(std::string_view pool, std::string_view backend) const;
  const std::map<Key, ProbePage>& pages() const { return pages_; }

 private:
  std::map<Key, ProbePage> pages_;
  std::map<Key, std::string> learned_;  // by another process, of those that have no page yet
};

// As the API tells it.
ProbeStatus ToStatus(const ProbePage& page);

}  // namespace sstplb::control
