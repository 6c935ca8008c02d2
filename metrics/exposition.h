// Exposition: collects samples and writes them in Prometheus' text format, version 0.0.4.
//
//   Exposition e;
//   e.Add<Metric::kSessionsActive>({listener, pool, backend}, 3);
//   e.Add<Metric::kOpenFiles>(112);
//
// How many labels a metric has is checked when it is compiled. Made anew for every scrape.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "metrics/histogram.h"
#include "metrics/names.h"

namespace sstplb::metrics {

// Not thread-safe. A metric without a sample is left out of the text.
class Exposition {
 public:
  Exposition();
  ~Exposition();
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;

  // Label values are in the order of names.def.
  template <Metric kId, std::size_t kCount>
  void Add(const std::string_view (&labels)[kCount], double value) {
    static_assert(kCount == LabelCount(kId), "a value for every label of names.def");
    static_assert(Info(kId).kind != Kind::kHistogram);
    AddValue(kId, labels, value);
  }
  template <Metric kId>
  void Add(double value) {
    static_assert(LabelCount(kId) == 0, "a value for every label of names.def");
    static_assert(Info(kId).kind != Kind::kHistogram);
    AddValue(kId, {}, value);
  }
  template <Metric kId, std::size_t kCount>
  void Add(const std::string_view (&labels)[kCount], const Histogram& histogram) {
    static_assert(kCount == LabelCount(kId), "a value for every label of names.def");
    static_assert(Info(kId).kind == Kind::kHistogram);
    AddHistogram(kId, labels, histogram);
  }

  template <Metric kId>
  void Add(const Histogram& histogram) {
    static_assert(LabelCount(kId) == 0, "a value for every label of names.def");
    static_assert(Info(kId).kind == Kind::kHistogram);
    AddHistogram(kId, {}, histogram);
  }

  // Families in the order of names.def, samples in the order they were added.
  std::string Text() const;

 private:
  struct Families;

  void AddValue(Metric id, std::span<const std::string_view> labels, double value);
  void AddHistogram(Metric id, std::span<const std::string_view> labels,
                    const Histogram& histogram);

  std::unique_ptr<Families> families_;
};

}  // namespace sstplb::metrics
