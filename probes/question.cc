// SPDX-License-Identifier: Apache-2.0
#include "probes/question.h"

#include <algorithm>
#include <optional>

namespace sstplb::probes {
namespace {

constexpr double kLeastBurst = 10;

// Without all that does not reach the backend.
ProbeRequest Bare(ProbeRequest request) {
  const config::Probe defaults;
  request.pool.clear();
  request.backend.clear();
  request.settings.interval = defaults.interval;
  request.settings.fast_interval = defaults.fast_interval;
  request.settings.rise = defaults.rise;
  request.settings.fall = defaults.fall;
  request.settings.budget = defaults.budget;
  request.settings.certificate_warn = defaults.certificate_warn;
  return request;
}

}  // namespace

bool SameQuestion(const ProbeRequest& a, const ProbeRequest& b) {
  if (!a.address || a.address != b.address) return false;
  if (a.settings.kind == config::ProbeKind::kExec) return false;
  return Bare(a) == Bare(b);
}

config::Rate BudgetOf(const std::vector<const ProbeRequest*>& questions) {
  std::optional<config::Rate> set;
  config::Rate natural{0, kLeastBurst};
  for (const ProbeRequest* question : questions) {
    const config::Probe& settings = question->settings;
    if (settings.budget && (!set || settings.budget->per_second < set->per_second)) {
      set = settings.budget;
    }
    natural.per_second += 2 / std::max(Seconds(settings.interval), 1e-3);
    natural.burst = std::max<double>(natural.burst, 2.0 * (settings.rise + settings.fall));
  }
  return set.value_or(natural);
}

}  // namespace sstplb::probes
