// SPDX-License-Identifier: Apache-2.0
#include "lb/control/explain.h"

#include <optional>
#include <string_view>
#include <vector>

#include "lb/config/values.h"
#include "lb/control/explain_pool.h"
#include "lb/tls/server_name.h"

namespace sstplb::control {
namespace {

using session::CloseReason;
using session::ListenerPlan;

// Why the client is not admitted.
struct Refusal {
  CloseReason reason;
  std::string rule;  // that decides, with its numbers
};

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

// In the order in which a session meets them.
std::optional<Refusal> FindRefusal(const session::Plan& plan, const ListenerPlan& listener,
                                   const IpAddress& source, const Circumstances& now) {
  const config::Listener& config = listener.config;
  if (now.drained) return Refusal{CloseReason::kStopping, "the balancer is drained"};
  if (plan.stopping) return Refusal{CloseReason::kStopping, ""};
  if (now.max_sessions != 0 && now.sessions >= now.max_sessions) {
    return Refusal{CloseReason::kMaxSessions, std::to_string(now.sessions) + " of " +
                                                  std::to_string(now.max_sessions) + " sessions"};
  }
  if (!config.allow.empty() && !ContainsAny(config.allow, source)) {
    return Refusal{CloseReason::kDenied, "not in allow"};
  }
  if (const auto block = BlockOf(config.deny, source)) {
    return Refusal{CloseReason::kDenied, *block + " in deny"};
  }
  switch (listener.limiter->WouldEnter(source, now.now)) {
    case session::Admission::kSourceSessions:
      return Refusal{CloseReason::kSourceSessions,
                     "max_sessions_per_source = " + std::to_string(config.max_sessions_per_source)};
    case session::Admission::kSourceRate:
      return Refusal{CloseReason::kSourceRate,
                     "session_rate_per_source = " + RateText(config.session_rate_per_source)};
    case session::Admission::kListenerRate:
      return Refusal{CloseReason::kListenerRate, "session_rate = " + RateText(config.session_rate)};
    case session::Admission::kAdmitted:
      break;
  }
  return std::nullopt;
}

std::string RefusedText(const Refusal& refusal) {
  return "refused: " + std::string(session::ToString(refusal.reason)) +
         (refusal.rule.empty() ? "" : " (" + refusal.rule + ")");
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

std::string Listed(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

std::string RouteText(const ListenerPlan& listener, const session::HelloNames& hello,
                      const session::RouteDecision& decision) {
  if (decision.refused) return "refused: " + std::string(session::ToString(*decision.refused));
  if (!decision.route) {
    return hello.has_sni
               ? "default pool (no route takes this name, unknown_sni = \"pool\")"
               : "default pool (no route takes a hello without a name, no_sni = \"pool\")";
  }
  const config::Route& route = listener.config.routes[*decision.route];
  return "route " + std::to_string(*decision.route + 1) + " (" +
         (route.sni.empty() ? "any name" : Listed(route.sni)) +
         (route.alpn.empty() ? "" : "; alpn " + Listed(route.alpn)) + ")";
}

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
  const auto refusal = FindRefusal(plan, *listener, request.source, circumstances);
  out.admission = refusal ? RefusedText(*refusal) : AdmittedText(listener->config, request.source);

  session::HelloNames names;
  names.has_sni = !request.sni.empty();
  const auto sni = tls::NormaliseServerName(request.sni);
  if (names.has_sni && sni) names.sni = *sni;
  for (const std::string& protocol : request.alpn) names.alpn.push_back(protocol);
  const session::RouteDecision decision = listener->router.Decide(names);
  out.route = RouteText(*listener, names, decision);
  if (const auto pool = plan.FindPool(decision.pool)) {
    ExplainPool(*pool, request.source, names.sni, circumstances, out);
  }
  if (!refusal && !decision.refused) return out;
  out.refused = session::ToString(refusal ? refusal->reason : *decision.refused);
  out.backend.clear();
  out.waits = false;
  for (Explanation::Candidate& candidate : out.candidates) candidate.chosen = false;
  return out;
}

}  // namespace sstplb::control
