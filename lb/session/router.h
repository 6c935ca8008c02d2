// Router: which pool a hello goes to, by the routes of one listener. Pure.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lb/config/config.h"
#include "lb/session/close_reason.h"
#include "lb/tls/client_hello.h"
#include "lb/tls/server_name.h"

namespace sstplb::session {

// What routing looks at in a hello.
struct HelloNames {
  bool has_sni = false;
  std::optional<std::string_view> sni;  // normalised; absent when what was sent is no host name
  std::vector<std::string_view> alpn;
};

struct RouteDecision {
  std::string_view pool;             // of the configuration; "" when refused
  std::optional<std::size_t> route;  // index into the listener's routes; absent: its default pool
  std::optional<CloseReason> refused;
};

// Built once from a listener's configuration, which must outlive it; then only read, by any thread.
class Router {
 public:
  explicit Router(const config::Listener& listener);

  // An exact name beats a wildcard, and either beats a route without names. Among routes of one
  // name the first in the file that takes the ALPN wins. A name that no route takes is a matter of
  // `unknown_sni`, a hello without a name of `no_sni`.
  RouteDecision Decide(const HelloNames& hello) const;
  // Where first bytes that are no TLS go.
  RouteDecision DecideNotTls() const;

 private:
  std::optional<std::size_t> FirstFit(const std::vector<std::size_t>& routes,
                                      const HelloNames& hello) const;
  RouteDecision ByPolicy(config::PoolOrRefuse policy, CloseReason reason) const;

  const config::Listener& listener_;
  tls::NameMap names_;                            // to an index of groups_
  std::vector<std::vector<std::size_t>> groups_;  // the routes that have one name
  std::vector<std::size_t> nameless_;             // the routes that have none
};

}  // namespace sstplb::session
