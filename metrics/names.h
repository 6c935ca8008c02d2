// Metric: every metric by name, kind, labels and help, from the one table names.def.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sstplb::metrics {

enum class Metric : std::uint8_t {
#define SSTPLB_METRIC(id, name, kind, labels, help) id,
#include "metrics/names.def"
#undef SSTPLB_METRIC
};

enum class Kind : std::uint8_t { kCounter, kGauge, kHistogram };

struct MetricInfo {
  Metric id;
  std::string_view name;
  Kind kind;
  std::string_view labels;  // names separated by commas; "" when it has none
  std::string_view help;
};

// In the order of the enumeration.
inline constexpr auto kMetrics = std::to_array<MetricInfo>({
#define SSTPLB_METRIC(id, name, kind, labels, help) {Metric::id, name, Kind::kind, labels, help},
#include "metrics/names.def"
#undef SSTPLB_METRIC
});

constexpr const MetricInfo& Info(Metric id) { return kMetrics[static_cast<std::size_t>(id)]; }

constexpr std::size_t LabelCount(Metric id) {
  const std::string_view labels = Info(id).labels;
  std::size_t count = labels.empty() ? 0 : 1;
  for (const char c : labels) count += c == ',' ? 1 : 0;
  return count;
}

}  // namespace sstplb::metrics
