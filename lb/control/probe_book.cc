// SPDX-License-Identifier: Apache-2.0
#include "lb/control/probe_book.h"

namespace sstplb::control {

ProbePage& ProbeBook::Record(const Key& key, const probes::ProbeAnswer& answer) {
  const probes::ProbeReport& report = answer.report;
  ProbePage& page = pages_[key];
  learned_.erase(key);
  page.last = report;
  page.state = answer.state;
  page.kind = answer.request.settings.kind;
  page.server_kind = answer.server_kind;
  page.postponed = answer.postponed;
  ++page.outcomes[static_cast<std::size_t>(report.outcome)];
  for (const probes::StepTime& step : report.steps) {
    const auto [found, added] =
        page.steps.try_emplace(step.step, metrics::Histogram(metrics::kHandshakeBounds));
    found->second.Observe(step.took);
  }
  return page;
}

void ProbeBook::Remove(const Key& key) {
  pages_.erase(key);
  learned_.erase(key);
}

std::string ProbeBook::ServerKindOf(const Key& key) const {
  if (const auto page = pages_.find(key); page != pages_.end()) return page->second.server_kind;
  const auto learned = learned_.find(key);
  return learned == learned_.end() ? std::string() : learned->second;
}

const ProbePage* ProbeBook::Find(std::string_view pool, std::string_view backend) const {
  const auto found = pages_.find(Key(pool, backend));
  return found == pages_.end() ? nullptr : &found->second;
}

ProbeStatus ToStatus(const ProbePage& page) {
  ProbeStatus status;
  status.kind = page.kind;
  status.answered = true;
  status.when = page.last.when;
  status.took = page.last.took;
  status.outcome = probes::ToString(page.last.outcome);
  status.detail = page.last.detail;
  status.hint = page.last.hint;
  status.note = page.last.note;
  status.server_kind = page.server_kind;
  status.history = page.state.bits();
  status.history_size = page.state.count();
  status.streak = page.state.streak();
  status.rise = page.state.rise();
  status.fall = page.state.fall();
  return status;
}

}  // namespace sstplb::control
