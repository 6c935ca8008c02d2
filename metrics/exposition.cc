// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>
#include <vector>

namespace sstplb::metrics {
namespace {

prometheus::MetricType TypeOf(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return prometheus::MetricType::Counter;
    case Kind::kGauge:
      return prometheus::MetricType::Gauge;
    case Kind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

struct Exposition::Families {
  std::vector<prometheus::MetricFamily> all;  // in the order of the table

  prometheus::ClientMetric& Append(Metric id, std::span<const std::string_view> values) {
    prometheus::ClientMetric& sample = all[static_cast<std::size_t>(id)].metric.emplace_back();
    std::string_view names = Info(id).labels;
    for (const std::string_view value : values) {
      const std::string_view name = names.substr(0, names.find(','));
      names.remove_prefix(std::min(names.size(), name.size() + 1));
      sample.label.push_back({std::string(name), std::string(value)});
    }
    return sample;
  }
};

Exposition::Exposition() : families_(std::make_unique<Families>()) {
  for (const MetricInfo& info : kMetrics) {
    families_->all.push_back(
        {std::string(info.name), std::string(info.help), TypeOf(info.kind), {}});
  }
}

Exposition::~Exposition() = default;

void Exposition::AddValue(Metric id, std::span<const std::string_view> labels, double value) {
  prometheus::ClientMetric& sample = families_->Append(id, labels);
  if (Info(id).kind == Kind::kCounter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
}

void Exposition::AddHistogram(Metric id, std::span<const std::string_view> labels,
                              const Histogram& histogram) {
  prometheus::ClientMetric::Histogram& out = families_->Append(id, labels).histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    cumulative += histogram.counts()[i];
    const bool last = i == histogram.bounds().size();
    out.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
  }
  out.sample_count = cumulative;
  out.sample_sum = histogram.sum();
}

std::string Exposition::Text() const {
  std::vector<prometheus::MetricFamily> used;
  for (const prometheus::MetricFamily& family : families_->all) {
    if (!family.metric.empty()) used.push_back(family);
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, used);
  return std::move(out).str();
}

}  // namespace sstplb::metrics
