// SPDX-License-Identifier: Apache-2.0
#include "lb/rebalance/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "lb/session/picker.h"

namespace sstplb::rebalance {
namespace {

using config::Balance;

// Whether new sessions may go there, full or not.
bool Counts(const backend::BackendView& backend) { return backend.Ready() && backend.weight != 0; }

// What backends would carry if the moves so far had been made.
class PlannedLoads final : public balance::LoadView {
 public:
  explicit PlannedLoads(const session::PoolPlan& pool) : pool_(pool) {
    const session::PoolLoads loads(pool);
    for (std::size_t i = 0; i < pool.view.backends.size(); ++i) active_.push_back(loads.Active(i));
  }

  // Until the next one: whose session it is, and that it is not there any more.
  void Ask(const balance::Key& key, std::size_t from) {
    key_ = key;
    from_ = from;
  }
  void Moved(std::size_t from, std::optional<std::size_t> to) {
    if (active_[from] > 0) --active_[from];
    if (to) ++active_[*to];
  }

  std::uint32_t Active(std::size_t index) const override {
    return index == from_ && active_[index] > 0 ? active_[index] - 1 : active_[index];
  }
  bool Usable(std::size_t index) const override {
    const backend::BackendView& backend = pool_.view.backends[index];
    if (!backend.Ready()) return false;
    if (backend.max_sessions != 0 && Active(index) >= backend.max_sessions) return false;
    return balance::InShare(key_.hash, backend.name, session::ShareOf(pool_, backend, key_.now));
  }

 private:
  const session::PoolPlan& pool_;
  std::vector<std::uint32_t> active_;
  balance::Key key_;
  std::size_t from_ = 0;
};

// Goes through the sessions, and decides about each.
class Planner {
 public:
  Planner(const session::PoolPlan& pool, const MovedClients& moved, TimePoint now)
      : pool_(pool), moved_(moved), now_(now), loads_(pool) {
    plan_.backends = Shares(pool);
    for (const BackendShare& share : plan_.backends) {
      surplus_.push_back(share.surplus);
      room_.push_back(share.room);
    }
  }

  void Consider(const Seated& seated, std::size_t from) {
    BackendShare& share = plan_.backends[from];
    const worker::Placement& placement = seated.placement;
    const IpAddress source = placement.client.SourceKey();
    if (moved_.Contains(source) || sources_.contains(source)) {
      ++share.moved_lately;
      return;
    }
    if (surplus_[from] == 0) return;
    const auto to = Destination(placement, from);
    if (to == from) {
      ++share.at_home;
      return;
    }
    const bool by_turn = pool_.config.balance == Balance::kRoundRobin;
    if (!to || room_[*to] == 0) {
      ++share.no_room;
      return;
    }
    --surplus_[from];
    --room_[*to];
    loads_.Moved(from, *to);
    sources_.insert(source);
    plan_.moves.push_back({.session = placement.id,
                           .worker = seated.worker,
                           .client = placement.client,
                           .last_byte = placement.last_byte,
                           .from = share.backend,
                           .to = by_turn ? "" : plan_.backends[*to].backend});
  }

  Plan Take() { return std::move(plan_); }

 private:
  // Where the client would be placed, if it came now; nullopt: nowhere.
  std::optional<std::size_t> Destination(const worker::Placement& placement, std::size_t from) {
    // Whose turn it is when the client comes nobody can tell.
    if (pool_.config.balance == Balance::kRoundRobin) return Emptiest();
    const auto sni =
        placement.sni.empty() ? std::nullopt : std::optional<std::string_view>(placement.sni);
    const balance::Key key = session::KeyFor(pool_, placement.client, sni, now_);
    loads_.Ask(key, from);
    balance::Candidates candidates;
    pool_.policy->Peek(key, loads_, candidates);
    for (const std::size_t index : candidates) {
      // Where a client was last is forgotten when it is moved.
      if (pool_.sticks && index == from) continue;
      return index;
    }
    return std::nullopt;
  }

  std::optional<std::size_t> Emptiest() const {
    const auto most = std::ranges::max_element(room_);
    if (most == room_.end() || *most == 0) return std::nullopt;
    return static_cast<std::size_t>(most - room_.begin());
  }

  const session::PoolPlan& pool_;
  const MovedClients& moved_;
  const TimePoint now_;
  PlannedLoads loads_;
  std::vector<std::uint32_t> surplus_;
  std::vector<std::uint32_t> room_;
  std::set<IpAddress> sources_;  // of this plan
  Plan plan_;
};

// What a product of doubles is off by, and no count is.
constexpr double kEpsilon = 1e-6;

std::uint32_t ToCount(double sessions) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp(sessions, 0.0, kMost));
}

}  // namespace

std::vector<BackendShare> Shares(const session::PoolPlan& pool) {
  std::vector<BackendShare> shares;
  double sessions = 0;
  double weight = 0;
  for (const backend::BackendView& backend : pool.view.backends) {
    BackendShare& share = shares.emplace_back();
    share.backend = backend.name;
    share.sessions = backend.load->active.load(std::memory_order_relaxed);
    share.counted = Counts(backend);
    if (!share.counted) continue;
    sessions += share.sessions;
    weight += backend.weight;
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    BackendShare& share = shares[i];
    if (!share.counted) continue;
    const backend::BackendView& backend = pool.view.backends[i];
    share.share = sessions * backend.weight / weight;
    share.surplus = ToCount(share.sessions -
                            std::ceil(pool.config.rebalance.tolerance * share.share - kEpsilon));
    const double most = backend.max_sessions == 0
                            ? share.share
                            : std::min<double>(share.share, backend.max_sessions);
    share.room = ToCount(std::floor(most + kEpsilon) - share.sessions);
  }
  return shares;
}

std::vector<std::string> OverFilled(const std::vector<BackendShare>& shares) {
  std::vector<std::string> names;
  if (std::ranges::none_of(shares, [](const BackendShare& s) { return s.room > 0; })) return names;
  for (const BackendShare& share : shares) {
    if (share.surplus > 0) names.push_back(share.backend);
  }
  return names;
}

Plan MakePlan(const session::PoolPlan& pool, const std::vector<std::string>& over_filled,
              std::vector<Seated> sessions, const MovedClients& moved, TimePoint now) {
  std::ranges::sort(sessions, {}, [](const Seated& s) { return s.placement.last_byte; });
  Planner planner(pool, moved, now);
  std::vector<std::optional<std::size_t>> indexes;
  for (const std::string& name : over_filled) {
    const auto found = std::ranges::find(pool.view.backends, name, &backend::BackendView::name);
    indexes.push_back(found == pool.view.backends.end()
                          ? std::nullopt
                          : std::optional<std::size_t>(found - pool.view.backends.begin()));
  }
  for (const Seated& seated : sessions) {
    const auto from = indexes[seated.placement.backend];
    if (from) planner.Consider(seated, *from);
  }
  return planner.Take();
}

}  // namespace sstplb::rebalance
