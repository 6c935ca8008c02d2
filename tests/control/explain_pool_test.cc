// `explain` within a pool: what is told of each backend, reason by reason.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lb/balance/make_policy.h"
#include "lb/session/picker.h"

namespace sstplb::control {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

constexpr TimePoint kNow{1000s};
const IpAddress kSource = *IpAddress::Parse("198.51.100.7");

// Backends by their place in the order in which this client would try them: "b1" is its first.
class Farm {
 public:
  explicit Farm(std::size_t size = 3, config::Balance balance = config::Balance::kConsistentHash) {
    pool.config.name = "main";
    pool.config.balance = balance;
    pool.config.max_load = 0;
    for (std::size_t i = 1; i <= size; ++i) {
      backend::BackendView& view = pool.view.backends.emplace_back();
      view.name = "vpn" + std::to_string(i);
      view.resolved = SocketAddress{};
      view.load = std::make_shared<backend::BackendLoad>();
    }
    if (balance == config::Balance::kSourceIp) {
      pool.sticks = std::make_shared<balance::StickTable>(Duration(1h));
    }
    MakePolicy();
    const auto key = session::KeyFor(pool, kSource, std::nullopt, kNow);
    for (const std::size_t index : session::PeekCandidates(pool, key)) order_.push_back(index);
    circumstances.outcome_of = [](const auto&, const auto&) { return "tls_timeout"; };
    circumstances.ejector = &ejector;
    circumstances.departures = &departures;
    circumstances.now = kNow;
  }

  void MakePolicy() {
    std::vector<balance::Member> members;
    for (const auto& view : pool.view.backends) members.push_back({view.name, view.weight});
    pool.policy = balance::MakePolicy(pool.config.balance, std::move(members), pool.config.max_load,
                                      pool.sticks);
  }
  backend::BackendView& At(std::size_t place) { return pool.view.backends[order_[place - 1]]; }

  Explanation Explain() const {
    Explanation out;
    ExplainPool(pool, kSource, std::nullopt, circumstances, out);
    return out;
  }
  // "b2" for the second in order; "" for none.
  std::string End() const { return Rename(Explain().backend); }
  std::string Why(std::size_t place) {
    for (const auto& candidate : Explain().candidates) {
      if (candidate.backend == At(place).name) return candidate.why;
    }
    return "not there";
  }
  std::vector<std::string> Order() const {
    std::vector<std::string> order;
    for (const auto& candidate : Explain().candidates) order.push_back(Rename(candidate.backend));
    return order;
  }

  session::PoolPlan pool;
  Ejector ejector;
  Departures departures;
  Circumstances circumstances;

 private:
  std::string Rename(const std::string& name) const {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (pool.view.backends[order_[i]].name == name) return "b" + std::to_string(i + 1);
    }
    return name;
  }

  std::vector<std::size_t> order_;
};

// What is wrong with the first, what is told of it, and where the client goes.
TEST(ExplainPool, EveryReasonToPassABackendOver) {
  const struct {
    const char* what;
    std::function<void(Farm&)> spoil;
    const char* why;
    const char* end;
  } kTable[] = {
      {"nothing", [](Farm&) {}, "hash: the first in hash order", "b1"},
      {"disabled", [](Farm& f) { f.At(1).admin = config::AdminState::kDisabled; },
       "passed over: disabled", "b2"},
      {"draining", [](Farm& f) { f.At(1).admin = config::AdminState::kDraining; },
       "passed over: draining", "b2"},
      {"no address", [](Farm& f) { f.At(1).resolved.reset(); },
       "passed over: its host name has no address", "b2"},
      {"down", [](Farm& f) { f.At(1).health = backend::Health::kDown; },
       "passed over: down (tls_timeout)", "b2"},
      {"ejected", [](Farm& f) { f.At(1).ejected = true; }, "passed over: ejected", "b2"},
      {"full",
       [](Farm& f) {
         f.At(1).max_sessions = 3;
         f.At(1).load->active = 3;
       },
       "passed over: full (max_sessions = 3)", "b2"},
      {"weight 0",
       [](Farm& f) {
         f.At(1).weight = 0;
         f.MakePolicy();
       },
       "passed over: weight 0", "b3"},  // the order of another table
      {"above max_load",
       [](Farm& f) {
         f.pool.config.max_load = 1.25;
         f.At(1).load->active = 30;
         f.MakePolicy();
       },
       "after those below max_load: 30 sessions, max_load allows 13", "b2"},
      {"outside of its share",
       [](Farm& f) {
         f.pool.config.slow_start = 100s;
         f.At(1).ready_since = kNow;
       },
       "after the others: outside of its share in slow_start (2%)", "b2"},
      {"within its share",
       [](Farm& f) {
         f.pool.config.slow_start = 100s;
         f.At(1).ready_since = kNow - 99s;
       },
       "hash: the first in hash order; slow_start gives it 99% of its clients", "b1"},
      {"no place",
       [](Farm& f) {
         f.pool.config.max_pending_per_backend = 2;
         f.At(1).load->pending = 2;
       },
       "hash: the first in hash order; waits for a place: max_pending_per_backend = 2 are pending "
       "(queue_timeout = 10s)",
       "b1"},
      {"others wait", [](Farm& f) { f.At(1).load->queued = 4; },
       "hash: the first in hash order; waits for a place: 4 wait already (queue_timeout = 10s)",
       "b1"},
      {"no rate",
       [](Farm& f) {
         f.pool.config.session_rate_per_backend = config::Rate{.per_second = 5, .burst = 1};
         f.At(1).load->pace.Take(*f.pool.config.session_rate_per_backend, kNow);
         f.At(1).load->queued = 4;
       },
       "hash: the first in hash order; waits for a place: session_rate_per_backend = \"5/s burst "
       "1\" is used up, 4 wait already (queue_timeout = 10s)",
       "b1"},
      {"no place, and no room to wait",
       [](Farm& f) {
         f.pool.config.max_pending_per_backend = 2;
         f.pool.config.max_queued_per_backend = 4;
         f.At(1).load->pending = 2;
         f.At(1).load->queued = 4;
       },
       "no place: max_pending_per_backend = 2 are pending, 4 wait already, max_queued_per_backend "
       "= 4",
       "b2"},
  };
  for (const auto& row : kTable) {
    Farm farm;
    row.spoil(farm);
    EXPECT_EQ(farm.Why(1), row.why) << row.what;
    EXPECT_EQ(farm.End(), row.end) << row.what;
    EXPECT_EQ(farm.Explain().refused, "") << row.what;
    EXPECT_EQ(farm.Explain().waits,
              std::string_view(row.why).find("waits for") != std::string::npos)
        << row.what;
  }
}

TEST(ExplainPool, AllStandWhereTheHashHasThem) {
  Farm farm(4);
  farm.At(1).health = backend::Health::kDown;
  farm.At(3).admin = config::AdminState::kDisabled;
  EXPECT_THAT(farm.Order(), ElementsAre("b1", "b2", "b3", "b4"));
  EXPECT_EQ(farm.Why(2), "hash_next: the first in hash order that can take it");
  EXPECT_EQ(farm.Why(4), "next, if those before refuse");
}

TEST(ExplainPool, AnEjectionIsToldWithItsEvidenceAndItsEnd) {
  Farm farm;
  config::EjectionRules rules;
  std::vector<Ejector::Member> members;
  for (std::size_t place = 1; place <= 3; ++place) {
    members.push_back({farm.At(place).name});
    for (std::uint64_t source = 0; source < 20; ++source) {
      const auto signal = place == 1 ? session::Signal::kClosedAtOnce : session::Signal::kOk;
      farm.ejector.Note({"main", farm.At(place).name},
                        {.source = source, .network = source, .signal = signal}, kNow - 2s);
    }
  }
  const auto changes = farm.ejector.Judge("main", rules, members, kNow - 2s);
  ASSERT_EQ(changes.size(), 1u);
  farm.At(1).ejected = true;
  EXPECT_EQ(farm.Why(1), "passed over: ejected for another " +
                             FormatDuration(rules.base_time - 2s) +
                             " (closed_at_once for 20 of 20 sources)");
}

TEST(ExplainPool, ThoseThatWereRemovedComeLast) {
  Farm farm;
  backend::Snapshot before{.generation = 1, .pools = {farm.pool.view}};
  backend::BackendView& gone = before.pools[0].backends.emplace_back();
  before.pools[0].name = "main";
  gone.name = "old";
  gone.load = std::make_shared<backend::BackendLoad>();
  gone.load->active = 7;
  backend::Snapshot after{.generation = 2, .pools = {farm.pool.view}};
  after.pools[0].name = "main";
  farm.departures.Update(before, after, WallTime());
  const auto told = farm.Explain();
  ASSERT_EQ(told.candidates.size(), 4u);
  EXPECT_EQ(told.candidates[3].backend, "old");
  EXPECT_EQ(told.candidates[3].why, "passed over: removed (7 sessions left)");
  gone.load->active = 0;
  EXPECT_EQ(farm.Explain().candidates.size(), 3u);
}

TEST(ExplainPool, NobodyThatCanTakeIt) {
  Farm farm;
  for (std::size_t place = 1; place <= 3; ++place) farm.At(place).health = backend::Health::kDown;
  EXPECT_EQ(farm.End(), "");
  EXPECT_EQ(farm.Explain().refused, "no_backend");
  for (const auto& candidate : farm.Explain().candidates) EXPECT_FALSE(candidate.chosen);
}

TEST(ExplainPool, OneThatStartsSlowlyIsBetterThanNone) {
  Farm farm(2);
  farm.pool.config.slow_start = 100s;
  farm.pool.config.max_load = 1.25;
  farm.MakePolicy();
  for (std::size_t place = 1; place <= 2; ++place) farm.At(place).ready_since = kNow;
  const std::size_t first = farm.End() == "b1" ? 1 : 2;
  EXPECT_EQ(
      farm.Why(first),
      "slow_start: only backends that start slowly can take it; slow_start gives it 2% of its "
      "clients");
  EXPECT_EQ(farm.Why(3 - first),
            "next, if those before refuse; slow_start gives it 2% of its clients");
}

TEST(ExplainPool, TheBoundIsThatOfThoseThatCanTakeIt) {
  Farm farm(2);
  farm.pool.config.max_load = 1;
  farm.At(1).load->active = 21;
  farm.At(2).load->active = 20;
  farm.MakePolicy();
  EXPECT_EQ(farm.Why(1), "after those below max_load: 21 sessions, max_load allows 21");
  EXPECT_EQ(farm.Why(2), "max_load: the first in hash order below its share");
  farm.At(2).max_sessions = 20;
  EXPECT_EQ(farm.Why(1), "hash: the first in hash order") << "alone it has the whole share";
}

TEST(ExplainPool, OnlySoManyAreTried) {
  Farm farm(5);
  farm.pool.config.connect_attempts = 2;
  EXPECT_EQ(farm.Why(2), "next, if those before refuse");
  EXPECT_EQ(farm.Why(3), "not tried: connect_attempts = 2");
  EXPECT_EQ(farm.Why(5), "not tried: connect_attempts = 2");
  Farm large(20);
  EXPECT_THAT(large.Explain().candidates.back().why, "not tried: not among the first 16");
}

// Where it does not matter which backend it is, one with a place comes before all waiting.
TEST(ExplainPool, WhoWaitsDependsOnThePolicy) {
  for (const auto balance : {config::Balance::kConsistentHash, config::Balance::kSourceIp,
                             config::Balance::kLeastSessions, config::Balance::kRoundRobin}) {
    Farm farm(3, balance);
    farm.pool.config.max_pending_per_backend = 1;
    farm.At(1).load->pending = 1;
    const bool sticky = session::IsSticky(balance);
    EXPECT_EQ(farm.End(), sticky ? "b1" : "b2");
    EXPECT_EQ(farm.Explain().waits, sticky);
    if (!sticky) {
      EXPECT_EQ(farm.Why(1), "no place: max_pending_per_backend = 1 are pending");
      EXPECT_THAT(farm.Why(2), StartsWith("the first that has a place"));
    }
    farm.At(2).load->pending = farm.At(3).load->pending = 1;
    EXPECT_EQ(farm.End(), "b1");
    EXPECT_TRUE(farm.Explain().waits);
    farm.pool.config.max_queued_per_backend = 0;
    EXPECT_EQ(farm.End(), "");
    EXPECT_EQ(farm.Explain().refused, "queue_full");
  }
}

TEST(ExplainPool, TheWordsOfEachPolicy) {
  Farm least(2, config::Balance::kLeastSessions);
  least.At(1).load->active = 3;
  EXPECT_EQ(least.Why(2), "least_sessions: the fewest for its weight (0 sessions, weight 100)");
  EXPECT_EQ(least.Why(1), "next, if those before refuse (3 sessions, weight 100)");
  Farm turns(2, config::Balance::kRoundRobin);
  EXPECT_EQ(turns.Why(1), "turn: its turn came");
  Farm sticks(2, config::Balance::kSourceIp);
  sticks.pool.sticks->Remember(kSource, sticks.At(2).name, kNow);
  EXPECT_EQ(sticks.Why(2), "remembered: where its last session was (0 sessions, weight 100)");
  EXPECT_THAT(sticks.Explain().key, EndsWith(", remembered at " + sticks.At(2).name));
  sticks.At(2).health = backend::Health::kDown;
  EXPECT_EQ(sticks.Why(2), "passed over: down (tls_timeout); remembered here");
}

}  // namespace
}  // namespace sstplb::control
