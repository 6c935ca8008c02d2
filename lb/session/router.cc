// SPDX-License-Identifier: Apache-2.0
#include "lb/session/router.h"

#include <algorithm>

namespace sstplb::session {

Router::Router(const config::Listener& listener) : listener_(listener) {
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    const config::Route& route = listener.routes[i];
    if (route.sni.empty()) nameless_.push_back(i);
    for (const std::string& name : route.sni) {
      if (names_.Add(name, static_cast<int>(groups_.size()))) groups_.emplace_back();
      const bool wildcard = name.starts_with("*.");
      const auto group =
          wildcard ? names_.FindWildcard("x" + name.substr(1)) : names_.FindExact(name);
      if (group) groups_[static_cast<std::size_t>(*group)].push_back(i);
    }
  }
}

std::optional<std::size_t> Router::FirstFit(const std::vector<std::size_t>& routes,
                                            const HelloNames& hello) const {
  for (const std::size_t i : routes) {
    const auto& wanted = listener_.routes[i].alpn;
    const bool fits =
        wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const auto& a) {
          return std::find(hello.alpn.begin(), hello.alpn.end(), a) != hello.alpn.end();
        });
    if (fits) return i;
  }
  return std::nullopt;
}

RouteDecision Router::Decide(const HelloNames& hello) const {
  std::optional<std::size_t> found;
  const auto look = [&](std::optional<int> group) {
    if (!found && group) found = FirstFit(groups_[static_cast<std::size_t>(*group)], hello);
  };
  if (hello.sni) {
    look(names_.FindExact(*hello.sni));
    look(names_.FindWildcard(*hello.sni));
  }
  if (!found) found = FirstFit(nameless_, hello);
  if (found) return {.pool = listener_.routes[*found].pool, .route = found};
  if (hello.has_sni) return ByPolicy(listener_.unknown_sni, CloseReason::kUnknownSni);
  return ByPolicy(listener_.no_sni, CloseReason::kNoSni);
}

RouteDecision Router::DecideNotTls() const {
  return ByPolicy(listener_.not_tls, CloseReason::kNotTls);
}

RouteDecision Router::ByPolicy(config::PoolOrRefuse policy, CloseReason reason) const {
  if (policy == config::PoolOrRefuse::kRefuse) return {.refused = reason};
  return {.pool = listener_.pool};
}

}  // namespace sstplb::session
