// SPDX-License-Identifier: Apache-2.0
#include "lb/config/finding_list.h"

#include <algorithm>

namespace sstplb::config {
namespace {

constexpr FindingInfo kFindings[] = {
#define FINDING(name, source, what, remedy) {#name, FindingSource::source, what, remedy},
#include "lb/config/finding.def"
#undef FINDING
};

// "pool.main" holds "pool.main" and "pool.main.probe".
bool Holds(std::string_view place, std::string_view key) {
  if (!key.starts_with(place)) return false;
  return key.size() == place.size() || key[place.size()] == '.';
}

bool Silences(std::string_view entry, const Finding& finding) {
  const std::size_t colon = entry.find(':');
  if (entry.substr(0, colon) != finding.name) return false;
  return colon == std::string_view::npos || Holds(entry.substr(colon + 1), finding.key);
}

}  // namespace

std::span<const FindingInfo> AllFindings() { return kFindings; }

const FindingInfo* FindFindingInfo(std::string_view name) {
  const auto found = std::ranges::find(kFindings, name, &FindingInfo::name);
  return found == std::ranges::end(kFindings) ? nullptr : found;
}

std::optional<std::string> IgnoreProblem(std::string_view entry) {
  const std::size_t colon = entry.find(':');
  const FindingInfo* info = FindFindingInfo(entry.substr(0, colon));
  if (info == nullptr) return "names no finding: see `sstplb check --list`";
  if (info->source == FindingSource::kHostError) {
    return "names an error, which cannot be ignored: the daemon does not start with it";
  }
  if (colon != std::string_view::npos && colon + 1 == entry.size()) {
    return "has nothing after its colon: add a key, as in single_backend:pool.lab";
  }
  return std::nullopt;
}

Findings Silence(Findings& findings, const std::vector<std::string>& entries) {
  const auto told = [&](const Finding& finding) {
    return finding.severity == Severity::kError ||
           std::ranges::none_of(entries,
                                [&](const auto& entry) { return Silences(entry, finding); });
  };
  const auto silenced = std::stable_partition(findings.begin(), findings.end(), told);
  Findings out(silenced, findings.end());
  findings.erase(silenced, findings.end());
  return out;
}

}  // namespace sstplb::config
