// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain_pool.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lb/balance/bounded_load.h"
#include "lb/config/values.h"
#include "lb/config/words.h"
#include "lb/session/picker.h"

namespace sstplb::control {
namespace {

using backend::BackendView;
using session::PoolPlan;

// Every backend as if nothing were wrong with any and nobody were connected.
class AllIdle final : public balance::LoadView {
 public:
  std::uint32_t Active(std::size_t) const override { return 0; }
  bool Usable(std::size_t) const override { return true; }
};

// What becomes of a candidate, if every backend that is tried accepts.
enum class Fate : std::uint8_t { kTaken, kWaits, kBusy, kNext, kNotTried };

std::string Setting(std::string_view name, const std::string& value) {
  return std::string(name) + " = " + value;
}

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + "%"; }

class PoolExplainer {
 public:
  PoolExplainer(const PoolPlan& pool, const IpAddress& source, std::optional<std::string_view> sni,
                const Circumstances& circumstances)
      : pool_(pool),
        circumstances_(circumstances),
        key_(session::KeyFor(pool, source, sni, circumstances.now)),
        loads_(pool, &key_),
        picked_(session::PeekCandidates(pool, key_)),
        fates_(picked_.size(), Fate::kNotTried) {
    if (pool.sticks) remembered_ = pool.sticks->Lookup(source, circumstances.now);
    FindBounds();
    Walk();
  }

  void Explain(std::optional<std::string_view> sni, Explanation& out) const {
    out.pool = pool_.config.name;
    out.policy = config::ToWord(pool_.config.balance);
    out.key = KeyText(sni);
    out.hash = key_.hash;
    out.waits = waits_;
    if (end_) out.backend = pool_.view.backends[*end_].name;
    if (!end_) out.refused = session::ToString(refused_);
    for (const std::size_t index : Order()) {
      out.candidates.push_back({pool_.view.backends[index].name, end_ == index, Why(index)});
    }
    AddDeparted(out);
  }

 private:
  bool Hashes() const { return pool_.config.balance == config::Balance::kConsistentHash; }
  bool Counts() const {
    return pool_.config.balance == config::Balance::kLeastSessions ||
           pool_.config.balance == config::Balance::kSourceIp;
  }

  std::string KeyText(std::optional<std::string_view> sni) const {
    std::string text = "source " + key_.source.SourceKey().ToString();
    if (key_.source.is_v6()) text += "/64";
    if (pool_.config.hash_key == config::HashKey::kSourceAndSni && sni) {
      text += " and sni " + std::string(*sni);
    }
    if (!pool_.sticks) return text;
    if (!remembered_) return text + ", not remembered";
    const bool gone = pool_.view.Find(*remembered_) == nullptr;
    return text + ", remembered at " + *remembered_ + (gone ? ", which is not here any more" : "");
  }

  // The bound is of interest where the policy has one.
  void FindBounds() {
    const double max_load = pool_.config.max_load;
    if (!Hashes() || max_load == 0) return;
    const balance::LoadBound bound(loads_, pool_.policy->members(), std::max(max_load, 1.0),
                                   balance::kLoadFloor);
    for (std::size_t i = 0; i < pool_.view.backends.size(); ++i) bounds_.push_back(bound.Of(i));
  }

  bool AboveBound(std::size_t index) const {
    return index < bounds_.size() && loads_.Active(index) + 1.0 > bounds_[index];
  }

  double Share(const BackendView& backend) const {
    return session::ShareOf(pool_, backend, circumstances_.now);
  }

  // As Session::ConnectNext() goes from candidate to candidate.
  void Walk() {
    const std::size_t most = pool_.config.connect_attempts;
    std::optional<std::size_t> busy;
    for (std::size_t i = 0, tries = 0; i < std::min(picked_.size(), most + 1); ++i) {
      if (tries == most) break;
      const BackendView& backend = pool_.view.backends[picked_[i]];
      const bool has_place = waits_ || BusyText(backend).empty();
      if (has_place) ++tries;
      fates_[i] = !has_place ? Fate::kBusy : end_ ? Fate::kNext : Fate::kTaken;
      if (fates_[i] == Fate::kTaken) end_ = picked_[i];
      if (has_place || end_) continue;
      if (!busy) busy = i;
      if (session::IsSticky(pool_.config.balance) && FindsRoom(i)) ++tries;
    }
    if (!end_ && busy && !FindsRoom(*busy)) refused_ = session::CloseReason::kQueueFull;
  }

  bool FindsRoom(std::size_t i) {
    const backend::BackendLoad& load = *pool_.view.backends[picked_[i]].load;
    if (load.queued.load(std::memory_order_relaxed) >= pool_.config.max_queued_per_backend) {
      return false;
    }
    fates_[i] = Fate::kWaits;
    waits_ = true;
    end_ = picked_[i];
    return true;
  }

  // Why a session would have to wait for a place here; "" when there is one.
  std::string BusyText(const BackendView& backend) const {
    const backend::BackendLoad& load = *backend.load;
    const std::uint32_t most = pool_.config.max_pending_per_backend;
    const auto& rate = pool_.config.session_rate_per_backend;
    const auto queued = load.queued.load(std::memory_order_relaxed);
    std::string text;
    if (most != 0 && load.pending.load(std::memory_order_relaxed) >= most) {
      text = Setting("max_pending_per_backend", std::to_string(most)) + " are pending";
    } else if (rate && !load.pace.Has(*rate, circumstances_.now)) {
      text = Setting("session_rate_per_backend", config::Print(config::RateRule{}, *rate)) +
             " is used up";
    }
    // A place that has just come free is for those who wait.
    if (queued != 0) text += (text.empty() ? "" : ", ") + std::to_string(queued) + " wait already";
    return text;
  }

  // All backends, each once.
  std::vector<std::size_t> Order() const {
    std::vector<std::size_t> order;
    const auto add = [&order](std::size_t index) {
      if (std::ranges::find(order, index) == order.end()) order.push_back(index);
    };
    if (Hashes()) {
      balance::Candidates idle;
      pool_.policy->Peek(key_, AllIdle(), idle);
      std::ranges::for_each(idle, add);
    }
    std::ranges::for_each(picked_, add);
    for (std::size_t i = 0; i < pool_.view.backends.size(); ++i) add(i);
    return order;
  }

  std::string Why(std::size_t index) const {
    const BackendView& backend = pool_.view.backends[index];
    const auto at = std::ranges::find(picked_, index);
    std::string why = at == picked_.end()
                          ? PassedOver(backend)
                          : ByFate(index, fates_[static_cast<std::size_t>(at - picked_.begin())]);
    if (remembered_ == backend.name && !why.starts_with("remembered")) why += "; remembered here";
    return why;
  }

  // Why this backend is not a candidate.
  std::string PassedOver(const BackendView& backend) const {
    if (backend.admin != config::AdminState::kActive) {
      return "passed over: " + std::string(config::ToWord(backend.admin));
    }
    if (!backend.resolved) return "passed over: its host name has no address";
    if (backend.health == backend::Health::kDown) {
      const auto outcome = circumstances_.outcome_of(pool_.config.name, backend.name);
      return "passed over: down" + (outcome.empty() ? "" : " (" + outcome + ")");
    }
    if (backend.ejected) return "passed over: ejected" + EjectionText(backend.name);
    if (backend.Full()) {
      return "passed over: full (" + Setting("max_sessions", std::to_string(backend.max_sessions)) +
             ")";
    }
    if (backend.weight == 0) return "passed over: weight 0";
    return "not tried: not among the first " + std::to_string(picked_.limit());
  }

  // ", for another 12s (closed_at_once for 5 of 6 sources)"
  std::string EjectionText(const std::string& backend) const {
    const Ejection* ejection = circumstances_.ejector == nullptr
                                   ? nullptr
                                   : circumstances_.ejector->Find({pool_.config.name, backend});
    if (ejection == nullptr) return "";
    const Duration left = std::max(Duration::zero(), ejection->until - circumstances_.now);
    const EjectionEvidence& evidence = ejection->evidence;
    return " for another " + FormatDuration(left) + " (" +
           std::string(session::ToString(evidence.signal)) + " for " +
           std::to_string(evidence.failures) + " of " + std::to_string(evidence.sources) +
           " sources)";
  }

  std::string ByFate(std::size_t index, Fate fate) const {
    const BackendView& backend = pool_.view.backends[index];
    const config::Pool& config = pool_.config;
    switch (fate) {
      case Fate::kTaken:
        return (picked_[0] == index ? First() : "the first that has a place") + Figures(index);
      case Fate::kWaits:
        return (picked_[0] == index ? First() : "the first where there is room to wait") +
               "; waits for a place: " + BusyText(backend) + " (" +
               Setting("queue_timeout", ExactDuration(config.queue_timeout)) + ")";
      case Fate::kBusy: {
        const auto queued = backend.load->queued.load(std::memory_order_relaxed);
        const bool full = queued >= config.max_queued_per_backend;
        return "no place: " + BusyText(backend) +
               (full ? ", " + Setting("max_queued_per_backend",
                                      std::to_string(config.max_queued_per_backend))
                     : "");
      }
      case Fate::kNotTried:
        return "not tried: " + Setting("connect_attempts", std::to_string(config.connect_attempts));
      case Fate::kNext:
        break;
    }
    if (picked_.why() != "slow_start" && !loads_.Usable(index)) {
      return "after the others: outside of its share in slow_start (" + Percent(Share(backend)) +
             ")";
    }
    if (loads_.Usable(index) && AboveBound(index))
      return "after those below max_load: " + LoadText(index);
    return "next, if those before refuse" + Figures(index);
  }

  // What the policy's word for its first choice means.
  std::string First() const {
    const std::string_view word = picked_.why();
    if (word == "slow_start") return "slow_start: only backends that start slowly can take it";
    if (AboveBound(picked_[0])) return "all are above max_load: " + LoadText(picked_[0]);
    if (word == "hash") return "hash: the first in hash order";
    if (word == "hash_next") return "hash_next: the first in hash order that can take it";
    if (word == "max_load") return "max_load: the first in hash order below its share";
    if (word == "remembered") return "remembered: where its last session was";
    if (word == "least_sessions") return "least_sessions: the fewest for its weight";
    if (word == "turn") return "turn: its turn came";
    return std::string(word);
  }

  std::string LoadText(std::size_t index) const {
    return std::to_string(loads_.Active(index)) + " sessions, max_load allows " +
           std::to_string(static_cast<std::uint64_t>(bounds_[index]));
  }

  // What this candidate was judged by.
  std::string Figures(std::size_t index) const {
    const BackendView& backend = pool_.view.backends[index];
    std::string text;
    if (Counts()) {
      text = " (" + std::to_string(loads_.Active(index)) + " sessions, weight " +
             std::to_string(backend.weight) + ")";
    }
    const double share = Share(backend);
    if (share < 1) text += "; slow_start gives it " + Percent(share) + " of its clients";
    return text;
  }

  // Those that were removed are in no plan, only their sessions are still there.
  void AddDeparted(Explanation& out) const {
    if (circumstances_.departures == nullptr) return;
    for (const auto& [key, departed] : circumstances_.departures->all()) {
      if (key.first != pool_.config.name || departed.sessions() == 0) continue;
      out.candidates.push_back(
          {key.second, false,
           "passed over: removed (" + std::to_string(departed.sessions()) + " sessions left)"});
    }
  }

  const PoolPlan& pool_;
  const Circumstances& circumstances_;
  const balance::Key key_;
  const session::PoolLoads loads_;  // as the policy sees them, slow_start included
  const balance::Candidates picked_;
  std::vector<Fate> fates_;  // of the picked ones
  std::optional<std::string> remembered_;
  std::vector<double> bounds_;      // by index; empty where there are none
  std::optional<std::size_t> end_;  // where the client goes
  bool waits_ = false;              // and waits there
  session::CloseReason refused_ = session::CloseReason::kNoBackend;  // where there is none
};

}  // namespace

void ExplainPool(const PoolPlan& pool, const IpAddress& source, std::optional<std::string_view> sni,
                 const Circumstances& circumstances, Explanation& out) {
  PoolExplainer(pool, source, sni, circumstances).Explain(sni, out);
}

}  // namespace sstplb::control
