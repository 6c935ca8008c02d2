// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain.h"

#include <algorithm>

#include "lb/config/words.h"
#include "lb/session/picker.h"
#include "lb/tls/server_name.h"

namespace sstplb::control {
namespace {

using session::ListenerPlan;
using session::PoolPlan;

std::string AdmissionOf(const ListenerPlan& listener, const IpAddress& source, TimePoint now) {
  const config::Listener& config = listener.config;
  if (!config.allow.empty() && !ContainsAny(config.allow, source)) {
    return "refused: denied (not in allow)";
  }
  if (ContainsAny(config.deny, source)) return "refused: denied (in deny)";
  switch (listener.limiter->WouldEnter(source, now)) {
    case session::Admission::kSourceSessions:
      return "refused: source_sessions";
    case session::Admission::kSourceRate:
      return "refused: source_rate";
    case session::Admission::kListenerRate:
      return "refused: listener_rate";
    case session::Admission::kAdmitted:
      break;
  }
  return "admitted";
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
  if (backend.Full()) return "passed over: full (max_sessions)";
  if (backend.weight == 0) return "passed over: weight 0";
  return "not among the first candidates";
}

void ExplainPool(const PoolPlan& pool, const ExplainRequest& request,
                 const session::HelloNames& names, const OutcomeOf& outcome_of, TimePoint now,
                 Explanation& out) {
  const auto key = session::KeyFor(pool, request.source, names.sni, now);
  out.pool = pool.config.name;
  out.policy = config::ToWord(pool.config.balance);
  out.key = "source " + request.source.SourceKey().ToString();
  if (request.source.is_v6()) out.key += "/64";
  if (pool.config.hash_key == config::HashKey::kSourceAndSni && names.sni) {
    out.key += " and sni " + std::string(*names.sni);
  }
  out.hash = key.hash;
  const balance::Candidates candidates = session::PickCandidates(pool, key);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string& name = pool.view.backends[candidates[i]].name;
    const bool chosen = i == 0;
    if (chosen) out.backend = name;
    out.candidates.push_back(
        {name, chosen, chosen ? std::string(candidates.why()) : "next, if those before refuse"});
  }
  for (std::size_t i = 0; i < pool.view.backends.size(); ++i) {
    if (candidates.Contains(i)) continue;
    const backend::BackendView& backend = pool.view.backends[i];
    out.candidates.push_back(
        {backend.name, false, PassedOver(backend, outcome_of(pool.config.name, backend.name))});
  }
}

}  // namespace

Answer<Explanation> ExplainPlan(const session::Plan& plan, const ExplainRequest& request,
                                const OutcomeOf& outcome_of, TimePoint now) {
  const auto listener = request.listener.empty() && !plan.listeners.empty()
                            ? plan.listeners.front()
                            : plan.FindListener(request.listener);
  if (listener == nullptr) {
    return Failure{FailureCode::kNotFound, "no listener \"" + request.listener + "\"", "listener"};
  }
  Explanation out;
  out.listener = listener->config.name;
  out.admission = plan.stopping ? "refused: stopping" : AdmissionOf(*listener, request.source, now);

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
  ExplainPool(*pool, request, names, outcome_of, now, out);
  if (out.admission != "admitted") out.backend.clear();
  return out;
}

}  // namespace sstplb::control
