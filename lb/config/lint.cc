// SPDX-License-Identifier: Apache-2.0
#include "lb/config/lint.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "lb/config/lint_farm.h"
#include "lb/config/lint_pool.h"
#include "lb/config/names.h"
#include "lb/config/reach.h"

namespace sstplb::config {
namespace {

// SSTP's own hello timer is 60 s ([MS-SSTP] 3.1.2); some slack for a slow path.
constexpr Duration kShortestIdle = seconds(75);
constexpr std::uint32_t kOthersMayUse = 0002;

void Warn(Findings& out, std::string name, std::string key, std::string reason,
          std::string remedy) {
  out.push_back(
      {Severity::kWarning, std::move(name), std::move(key), std::move(reason), std::move(remedy)});
}

void LintAdmin(Findings& out, const Admin& admin) {
  if (admin.http && !IsLoopback(admin.http->ip)) {
    Warn(out, "admin_http_public", "admin.http",
         "the dashboard, the metrics and the addresses of clients can be read by everyone who "
         "reaches " +
             admin.http->ToString(),
         "Bind it to 127.0.0.1 or to a management network behind a packet filter");
  }
  if ((admin.socket_mode & kOthersMayUse) != 0) {
    Warn(out, "admin_socket_public", "admin.socket_mode",
         "every user of this host may drain backends and close sessions",
         "Use \"0660\" and give the socket's group to the operators");
  }
}

bool AllowsEverybody(const Cidr& block) { return block.ToString().ends_with("/0"); }

// Of the routes with one name the first wins that takes the ALPN; one without alpn takes all.
void LintRoutes(Findings& out, const Listener& listener, const std::string& key) {
  std::set<std::string> closed;  // names of routes that take every ALPN; "" for those without name
  for (const Route& route : listener.routes) {
    const std::vector<std::string> nameless = {""};
    for (const std::string& name : route.sni.empty() ? nameless : route.sni) {
      if (!route.alpn.empty() && closed.count(name) > 0) {
        Warn(out, "route_shadowed", key + ".route",
             "the route of " + name + " to pool " + KeyText(route.pool) +
                 " is never taken: a route of that name without alpn stands before it",
             "Put the route with alpn first");
      }
      if (route.alpn.empty()) closed.insert(name);
    }
  }
}

void LintListener(Findings& out, const Listener& listener) {
  const std::string key = "listener." + KeyText(listener.name);
  if (listener.idle_timeout < kShortestIdle) {
    Warn(out, "idle_timeout_short", key + ".idle_timeout",
         "a healthy SSTP tunnel may be silent for 60s, so that " +
             ExactDuration(listener.idle_timeout) + " kills healthy tunnels",
         "Use at least 2m; 15m is the default");
  }
  if (listener.rhythm != Duration::zero()) {
    const Duration dead = listener.rhythm * 5 / 2;
    if (dead < kShortestIdle) {
      Warn(out, "rhythm_short", key + ".rhythm",
           "a healthy SSTP tunnel may be silent for 60s, so that closing it after " +
               ExactDuration(dead) + " (two and a half times the rhythm) kills healthy tunnels",
           "Use 60s, or 0s to go by idle_timeout alone");
    }
    if (listener.idle_timeout != Listener{}.idle_timeout && listener.idle_timeout > dead) {
      Warn(out, "idle_timeout_late", key + ".idle_timeout",
           "a tunnel that is silent for " + ExactDuration(dead) +
               " (two and a half times the rhythm) is closed before that",
           "Set rhythm = \"0s\" if silent tunnels should live for so long, or take it out");
    }
  }
  if (listener.no_sni == PoolOrRefuse::kRefuse) {
    Warn(out, "no_sni_refused", key + ".no_sni",
         "many SSTP clients send no server name (sstpc and RouterOS unless told to, Windows when "
         "it dials an address) and have no place to go",
         "Use \"pool\" unless every client is known to send its name");
  }
  if (listener.not_tls == PoolOrRefuse::kPool) {
    Warn(out, "not_tls_passed", key + ".not_tls",
         "whatever is no TLS is passed on to the backends, though SSTP never is", "Use \"refuse\"");
  }
  if (std::any_of(listener.accept_proxy.begin(), listener.accept_proxy.end(), AllowsEverybody)) {
    Warn(out, "accept_proxy_from_all", key + ".accept_proxy",
         "everybody may claim to be any client, past allow, deny and every cap per source",
         "List only the addresses of the balancers in front");
  }
  if (!listener.tcp.nodelay) {
    Warn(out, "nodelay_off", key + ".tcp.nodelay",
         "small packets wait for acknowledgements: each step of a tunnel's set-up takes 40 ms more",
         "Use true");
  }
  LintRoutes(out, listener, key);
}

bool LeadsTo(const Listener& listener, const std::string& pool) {
  return listener.pool == pool ||
         std::any_of(listener.routes.begin(), listener.routes.end(),
                     [&](const Route& route) { return route.pool == pool; });
}

void LintReach(Findings& out, const Config& config, const Pool& pool) {
  const auto leads = [&](const Listener& listener) { return LeadsTo(listener, pool.name); };
  if (std::any_of(config.listeners.begin(), config.listeners.end(), leads)) return;
  Warn(out, "unreachable_pool", "pool." + KeyText(pool.name),
       "no listener and no route leads to this pool", "Name it in a route, or take it out");
}

}  // namespace

Findings Lint(const Config& config) {
  Findings out;
  LintAdmin(out, config.admin);
  for (const Listener& listener : config.listeners) LintListener(out, listener);
  for (const Pool& pool : config.pools) {
    LintReach(out, config, pool);
    LintBackendAddresses(out, config, pool);
    LintPool(out, config, pool);
    LintSharedAddresses(out, config, pool);
    LintLeaving(out, pool);
  }
  return out;
}

}  // namespace sstplb::config
