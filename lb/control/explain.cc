// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "lb/balance/bounded_load.h"
#include "lb/config/values.h"
#include "lb/config/words.h"
#include "lb/session/picker.h"
#include "lb/tls/server_name.h"

namespace sstplb::control {
namespace {

using session::ListenerPlan;
using session::PoolPlan;

// The first block of the list that holds the address: "10.0.0.0/8".
std::optional<std::string> BlockOf(const std::vector<Cidr>& blocks, const IpAddress& ip) {
  for (const Cidr& block : blocks) {
    if (block.Contains(ip)) return block.ToString();
  }
  return std::nullopt;
}

std::string RateText(const std::optional<config::Rate>& rate) {
  return rate ? config::Print(config::RateRule{}, *rate) : "\"\"";
}

// Why the client is refused, with the rule that does it; "" when it is admitted.
std::string Refusal(const session::Plan& plan, const ListenerPlan& listener,
                    const IpAddress& source, const Circumstances& now) {
  const config::Listener& config = listener.config;
  if (plan.stopping) return "stopping";
  if (now.max_sessions != 0 && now.sessions >= now.max_sessions) {
    return "max_sessions (" + std::to_string(now.sessions) + " of " +
           std::to_string(now.max_sessions) + " sessions)";
  }
  if (!config.allow.empty() && !ContainsAny(config.allow, source)) return "denied (not in allow)";
  if (const auto block = BlockOf(config.deny, source)) return "denied (" + *block + " in deny)";
  switch (listener.limiter->WouldEnter(source, now.now)) {
    case session::Admission::kSourceSessions:
      return "source_sessions (max_sessions_per_source = " +
             std::to_string(config.max_sessions_per_source) + ")";
    case session::Admission::kSourceRate:
      return "source_rate (session_rate_per_source = " + RateText(config.session_rate_per_source) +
             ")";
    case session::Admission::kListenerRate:
      return "listener_rate (session_rate = " + RateText(config.session_rate) + ")";
    case session::Admission::kAdmitted:
      break;
  }
  return {};
}

std::string AdmittedText(const config::Listener& config, const IpAddress& source) {
  std::string text = "admitted";
  if (const auto block = BlockOf(config.allow, source)) text += " (" + *block + " in allow)";
  if (const auto block = BlockOf(config.accept_proxy, source)) {
    text += "; from " + *block +
            " (accept_proxy) a PROXY header must come first, and whom it "
            "names is the client";
  }
  return text;
}

std::string RouteText(const ListenerPlan& listener, const session::RouteDecision& decision) {
  if (decision.refused) return "refused: " + std::string(session::ToString(*decision.refused));
  if (!decision.route) return "default pool";
  std::string names;
  for (const auto& name : listener.config.routes[*decision.route].sni) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return "route " + std::to_string(*decision.route + 1) + " (" +
         (names.empty() ? "any name" : names) + ")";
}

// Why this backend is not a candidate.
std::string PassedOver(const backend::BackendView& backend, const std::string& outcome) {
  if (backend.admin != config::AdminState::kActive) {
    return "passed over: " + std::string(config::ToWord(backend.admin));
  }
  if (!backend.resolved) return "passed over: its host name has no address";
  if (backend.health == backend::Health::kDown) {
    return "passed over: down" + (outcome.empty() ? "" : " (" + outcome + ")");
  }
  if (backend.ejected) return "passed over: ejected for what sessions have shown of it";
  if (backend.Full()) {
    return "passed over: full (max_sessions = " + std::to_string(backend.max_sessions) + ")";
  }
  if (backend.weight == 0) return "passed over: weight 0";
  return "not among the first candidates";
}

// Every backend as if nothing were wrong with any and nobody were connected.
class AllIdle final : public balance::LoadView {
 public:
  std::uint32_t Active(std::size_t) const override { return 0; }
  bool Usable(std::size_t) const override { return true; }
};

// One pool's part of an explanation.
class PoolExplainer {
 public:
  PoolExplainer(const PoolPlan& pool, const ExplainRequest& request,
                const std::optional<std::string_view>& sni, const Circumstances& circumstances)
      : pool_(pool),
        circumstances_(circumstances),
        key_(session::KeyFor(pool, request.source, sni, circumstances.now)),
        picked_(session::PickCandidates(pool, key_)) {
    if (pool.sticks) remembered_ = pool.sticks->Lookup(request.source, circumstances.now);
    FindBounds();
  }

  void Explain(const ExplainRequest& request, const std::optional<std::string_view>& sni,
               Explanation& out) {
    out.pool = pool_.config.name;
    out.policy = config::ToWord(pool_.config.balance);
    out.key = KeyText(request.source, sni);
    out.hash = key_.hash;
    if (!picked_.empty()) out.backend = pool_.view.backends[picked_[0]].name;
    for (const std::size_t index : Order()) {
      const bool chosen = !picked_.empty() && picked_[0] == index;
      out.candidates.push_back({pool_.view.backends[index].name, chosen, Why(index)});
    }
  }

 private:
  bool Hashes() const { return pool_.config.balance == config::Balance::kConsistentHash; }

  std::string KeyText(const IpAddress& source, const std::optional<std::string_view>& sni) const {
    std::string text = "source " + source.SourceKey().ToString();
    if (source.is_v6()) text += "/64";
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
    const session::PoolLoads loads(pool_);
    const balance::LoadBound bound(loads, pool_.policy->members(), std::max(max_load, 1.0),
                                   balance::kLoadFloor);
    for (std::size_t i = 0; i < pool_.view.backends.size(); ++i) bounds_.push_back(bound.Of(i));
  }

  bool AboveBound(std::size_t index) const {
    if (index >= bounds_.size()) return false;
    return session::PoolLoads(pool_).Active(index) + 1.0 > bounds_[index];
  }

  // All backends, each once.
  std::vector<std::size_t> Order() const {
    std::vector<std::size_t> order;
    const auto add = [&order](std::size_t index) {
      if (std::ranges::find(order, index) == order.end()) order.push_back(index);
    };
    if (Hashes()) {
      balance::Candidates idle;
      pool_.policy->Pick(key_, AllIdle(), idle);
      std::ranges::for_each(idle, add);
    }
    std::ranges::for_each(picked_, add);
    for (std::size_t i = 0; i < pool_.view.backends.size(); ++i) add(i);
    return order;
  }

  std::string Why(std::size_t index) const {
    const backend::BackendView& backend = pool_.view.backends[index];
    std::string why;
    if (!picked_.Contains(index)) {
      why = PassedOver(backend, circumstances_.outcome_of(pool_.config.name, backend.name));
    } else if (AboveBound(index)) {
      const std::string load = std::to_string(session::PoolLoads(pool_).Active(index)) +
                               " sessions, max_load allows " +
                               std::to_string(static_cast<std::uint64_t>(bounds_[index]));
      why = picked_[0] == index ? "all are above max_load: " + load
                                : "after those below max_load: " + load;
    } else {
      why = picked_[0] == index ? First() : "next, if those before refuse";
    }
    if (remembered_ == backend.name && picked_.why() != "remembered") why += "; remembered here";
    return why;
  }

  // What the policy's word for its first choice means.
  std::string First() const {
    const std::string_view word = picked_.why();
    if (word == "hash") return "hash: the first in hash order";
    if (word == "hash_next") return "hash_next: the first in hash order that can take it";
    if (word == "max_load") return "max_load: the first in hash order below its share";
    if (word == "remembered") return "remembered: where its last session was";
    if (word == "least_sessions") return "least_sessions: the fewest for its weight";
    if (word == "turn") return "turn: its turn came";
    return std::string(word);
  }

  const PoolPlan& pool_;
  const Circumstances& circumstances_;
  const balance::Key key_;
  const balance::Candidates picked_;
  std::optional<std::string> remembered_;
  std::vector<double> bounds_;  // by index; empty where there are none
};

}  // namespace

Answer<Explanation> ExplainPlan(const session::Plan& plan, const ExplainRequest& request,
                                const Circumstances& circumstances) {
  const auto listener = request.listener.empty() && !plan.listeners.empty()
                            ? plan.listeners.front()
                            : plan.FindListener(request.listener);
  if (listener == nullptr) {
    return Failure{FailureCode::kNotFound, "no listener \"" + request.listener + "\"", "listener"};
  }
  Explanation out;
  out.listener = listener->config.name;
  const std::string refusal = Refusal(plan, *listener, request.source, circumstances);
  out.admission =
      refusal.empty() ? AdmittedText(listener->config, request.source) : "refused: " + refusal;

  session::HelloNames names;
  names.has_sni = !request.sni.empty();
  const auto sni = tls::NormaliseServerName(request.sni);
  if (names.has_sni && sni) names.sni = *sni;
  for (const std::string& protocol : request.alpn) names.alpn.push_back(protocol);
  const session::RouteDecision decision = listener->router.Decide(names);
  out.route = RouteText(*listener, decision);
  if (decision.refused) return out;
  const auto pool = plan.FindPool(decision.pool);
  if (pool == nullptr) return out;
  PoolExplainer(*pool, request, names.sni, circumstances).Explain(request, names.sni, out);
  if (refusal.empty()) return out;
  out.backend.clear();
  for (Explanation::Candidate& candidate : out.candidates) candidate.chosen = false;
  return out;
}

}  // namespace sstplb::control
