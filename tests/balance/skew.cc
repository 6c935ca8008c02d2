// SPDX-License-Identifier: Apache-2.0
#include "tests/balance/skew.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

namespace sstplb::balance {
namespace {

// Whole numbers of at least one in the ratio of the weights.
Skew Shares(std::uint32_t sessions, const std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double scale = (sessions - static_cast<double>(weights.size())) / sum;
  Skew skew;
  double exact = 0;
  std::uint32_t given = 0;
  for (const double weight : weights) {
    exact += 1 + scale * weight;
    skew.push_back(static_cast<std::uint32_t>(std::lround(exact)) - given);
    given += skew.back();
  }
  return skew;
}

Skew PowerLaw(std::uint32_t sessions, std::uint32_t sources, double exponent) {
  std::vector<double> weights;
  for (std::uint32_t rank = 1; rank <= sources; ++rank) {
    weights.push_back(std::pow(rank, -exponent));
  }
  return Shares(sessions, weights);
}

}  // namespace

std::uint32_t OfTheFirst(const Skew& skew, std::size_t sources) {
  const auto end = skew.begin() + static_cast<std::ptrdiff_t>(sources);
  return std::accumulate(skew.begin(), end, 0u);
}

Skew TenthHoldsHalf(std::uint32_t sessions, std::uint32_t sources) {
  double low = 0;
  double high = 4;
  for (int i = 0; i < 30; ++i) {
    const double middle = (low + high) / 2;
    const std::uint32_t held = OfTheFirst(PowerLaw(sessions, sources, middle), sources / 10);
    (2 * held < sessions ? low : high) = middle;
  }
  return PowerLaw(sessions, sources, high);
}

Skew OneHasAFifth(std::uint32_t sessions, std::uint32_t sources) {
  Skew skew = Shares(sessions - sessions / 5, std::vector<double>(sources - 1, 1));
  skew.insert(skew.begin(), sessions / 5);
  return skew;
}

Skew AllAreOne(std::uint32_t sessions, std::uint32_t) { return {sessions}; }

std::size_t Draw(std::mt19937_64& chance, std::size_t end) { return chance() % end; }

std::vector<std::uint32_t> Arrivals(const Skew& skew, std::mt19937_64& chance) {
  std::vector<std::uint32_t> order;
  for (const std::uint32_t sessions : skew) {
    order.insert(order.end(), sessions, static_cast<std::uint32_t>(chance()));
  }
  for (std::size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[Draw(chance, left)]);
  }
  return order;
}

Crowd::Crowd(const Policy& policy, StickTable* sticks)
    : policy_(policy), sticks_(sticks), loads_(policy.members().size()) {}

void Crowd::Arrive(std::uint32_t source) {
  const Key key = Client(source);
  const std::size_t backend = PickFor(policy_, key, loads_)[0];
  ++loads_.active[backend];
  sessions_.push_back({source, backend});
  if (sticks_) sticks_->Remember(key.source, policy_.members()[backend].name, key.now);
  if (on_arrival) on_arrival(source, backend);
}

void Crowd::Uncount(const Session& session) {
  --loads_.active[session.backend];
  const Key key = Client(session.source);
  if (sticks_) sticks_->SessionEnded(key.source, key.now);
}

std::uint32_t Crowd::End(std::size_t index) {
  const Session session = sessions_[index];
  sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(index));
  Uncount(session);
  return session.source;
}

void Crowd::TurnOver() {
  for (std::size_t left = size(); left > 0; --left) Arrive(EndOldest());
}

std::vector<std::uint32_t> Crowd::Leave(std::size_t backend) {
  loads_.usable[backend] = false;
  std::vector<std::uint32_t> lost;
  std::deque<Session> stay;
  for (const Session& session : sessions_) {
    if (session.backend == backend) {
      Uncount(session);
      lost.push_back(session.source);
    } else {
      stay.push_back(session);
    }
  }
  sessions_ = std::move(stay);
  return lost;
}

double Crowd::Spread() const {
  double sessions = 0;
  double weight = 0;
  double fullest = 0;
  for (std::size_t i = 0; i < loads_.active.size(); ++i) {
    if (!loads_.usable[i]) continue;
    sessions += loads_.active[i];
    weight += policy_.members()[i].weight;
    fullest =
        std::max(fullest, static_cast<double>(loads_.active[i]) / policy_.members()[i].weight);
  }
  return fullest * weight / sessions;
}

double Crowd::Away(const Policy& homes) const {
  const FakeLoads idle(loads_.active.size());
  const auto away = std::count_if(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return PickFor(homes, Client(session.source), idle)[0] != session.backend;
  });
  return static_cast<double>(away) / static_cast<double>(size());
}

double Crowd::Split() const {
  std::map<std::uint32_t, std::multiset<std::size_t>> backends;
  for (const Session& session : sessions_) backends[session.source].insert(session.backend);
  double several = 0;
  double split = 0;
  for (const auto& [source, at] : backends) {
    if (at.size() < 2) continue;
    ++several;
    if (at.count(*at.begin()) < at.size()) ++split;
  }
  return split / several;
}

}  // namespace sstplb::balance
