// SPDX-License-Identifier: Apache-2.0
#include "lb/control/drainer.h"

#include <algorithm>
#include <utility>

namespace sstplb::control {

// One question to all workers, and what they have answered so far.
struct Drainer::Round {
  struct Named {
    worker::Candidate candidate;
    std::size_t worker = 0;
  };
  std::vector<DrainOrder> orders;
  std::vector<std::vector<Named>> named;  // for each order
  std::size_t missing = 0;                // workers that have not answered
};

void Drainer::Tick(TimePoint now, std::optional<double> budget, std::vector<DrainOrder> orders) {
  if (!round_.expired()) return;
  std::vector<DrainCount> counts;
  counts.reserve(orders.size());
  for (const DrainOrder& order : orders) counts.push_back(order.count);
  const std::vector<std::uint32_t> due = planner_.Plan(now, budget, counts);
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i].choice.count = due[i];
  std::erase_if(orders, [](const DrainOrder& order) { return order.choice.count == 0; });
  if (orders.empty()) return;

  auto round = std::make_shared<Round>();
  round->named.resize(orders.size());
  round->missing = workers_.size();
  std::vector<worker::Choice> choices;
  choices.reserve(orders.size());
  for (const DrainOrder& order : orders) choices.push_back(order.choice);
  round->orders = std::move(orders);
  round_ = round;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post([this, round, i, choices](worker::Worker& w) {
      loop_.Post([this, round, i, found = w.Foremost(choices)] { Answered(round, i, found); });
    });
  }
}

void Drainer::Answered(const std::shared_ptr<Round>& round, std::size_t worker,
                       std::vector<std::vector<worker::Candidate>> found) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const worker::Candidate& candidate : found[i]) {
      round->named[i].push_back({candidate, worker});
    }
  }
  if (--round->missing > 0) return;
  Close(*round);
  round_.reset();
}

void Drainer::Close(const Round& round) {
  for (std::size_t i = 0; i < round.orders.size(); ++i) {
    std::vector<Round::Named> named = round.named[i];
    const std::size_t count = std::min<std::size_t>(round.orders[i].choice.count, named.size());
    std::partial_sort(
        named.begin(), named.begin() + static_cast<std::ptrdiff_t>(count), named.end(),
        [](const auto& a, const auto& b) { return a.candidate.since < b.candidate.since; });
    std::vector<std::vector<session::SessionId>> of_worker(workers_.size());
    for (std::size_t n = 0; n < count; ++n) {
      of_worker[named[n].worker].push_back(named[n].candidate.id);
    }
    for (std::size_t w = 0; w < workers_.size(); ++w) {
      if (of_worker[w].empty()) continue;
      workers_[w]->Post([ids = std::move(of_worker[w]), reason = round.orders[i].reason](
                            worker::Worker& self) { self.CloseThese(ids, reason); });
    }
  }
}

}  // namespace sstplb::control
