// SPDX-License-Identifier: Apache-2.0
#include "lb/config/lint_pool.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "lb/config/names.h"
#include "lb/config/words.h"

namespace sstplb::config {
namespace {

// The negotiation timer of a client ([MS-SSTP] 3.2.2.1), less what TLS and PPP still take.
constexpr Duration kClientPatience = seconds(50);

class PoolLint {
 public:
  PoolLint(Findings& out, const Config& config, const Pool& pool)
      : out_(out), config_(config), pool_(pool), probe_(pool.probe) {}

  void Run() {
    Backends();
    Sources();
    ProxyHeader();
    Leg();
    Ejections();
    Queue();
    Handshakes();
    NoEffect();
    if (probe_.kind == ProbeKind::kNone) {
      Warn("probe_none", ".probe.kind",
           "nothing notices a dead backend but the clients that are sent to it",
           "Use \"sstp\", which asks what a client would ask");
      return;
    }
    ProbeKindAndDepth();
    ProbeTimes();
    ProbeHeader();
    ProbeNames();
  }

 private:
  void Warn(std::string name, const std::string& key, std::string reason, std::string remedy) {
    out_.push_back({Severity::kWarning, std::move(name), "pool." + KeyText(pool_.name) + key,
                    std::move(reason), std::move(remedy)});
  }

  void Backends() {
    if (pool_.backends.empty()) {
      Warn("empty_pool", "", "the pool has no backend and refuses every session",
           "Add [[pool." + KeyText(pool_.name) +
               ".backend]] tables, or add backends at run time: sstplb backend add");
      return;
    }
    if (pool_.backends.size() == 1) {
      Warn("single_backend", "", "the pool has one backend: when it goes, everything goes",
           "Add a second one");
    }
    const auto takes = [](const Backend& b) {
      return b.admin == AdminState::kActive && b.weight > 0;
    };
    if (std::none_of(pool_.backends.begin(), pool_.backends.end(), takes)) {
      Warn("no_active_backend", "",
           "every backend is draining, disabled or of weight 0: no session is admitted",
           "Set admin = \"active\" and a weight for one of them at least");
    }
    std::map<std::string, std::string> addresses;
    for (const Backend& backend : pool_.backends) {
      const auto [known, is_new] = addresses.emplace(backend.address.ToString(), backend.name);
      if (is_new) continue;
      Warn("address_twice", ".backend." + KeyText(backend.name),
           "it is the same server as " + KeyText(known->second) +
               ": it gets two shares, and its loss counts as two",
           "Use weight to give a server a larger share");
    }
  }

  void Sources() {
    if (pool_.source.empty()) return;
    const auto has = [&](bool v4) {
      return std::any_of(pool_.source.begin(), pool_.source.end(),
                         [&](const IpAddress& ip) { return ip.is_v4() == v4; });
    };
    for (const Backend& backend : pool_.backends) {
      const auto address = backend.address.AsAddress();
      if (!address || has(address->ip.is_v4())) continue;
      Warn("source_family", ".source",
           "no source address is of the family of backend " + KeyText(backend.name) + " (" +
               address->ToString() + ")",
           "Add an address of that family");
    }
  }

  void ProxyHeader() {
    if (pool_.proxy_protocol == ProxyProtocol::kNone) return;
    auto finding = ProxyUnreadable("pool." + KeyText(pool_.name) + ".proxy_protocol",
                                   std::string(ToWord(probe_.server)));
    if (finding) out_.push_back(std::move(*finding));
  }

  void Leg() {
    if (pool_.tcp.nodelay) return;
    Warn("nodelay_off", ".tcp.nodelay",
         "small packets wait for acknowledgements: each step of a tunnel's set-up takes 40 ms more",
         "Use true");
  }

  void Ejections() {
    const EjectionRules& rules = pool_.ejection;
    if (!rules.enabled) return;
    if (rules.max_time < rules.base_time) {
      Warn("ejection_times", ".ejection.max_time",
           "is shorter than base_time (" + ExactDuration(rules.base_time) +
               "): every ejection lasts " + ExactDuration(rules.max_time),
           "Make max_time the longer one");
    }
    const auto size = static_cast<double>(pool_.backends.size());
    if (size > 1 && rules.max_share * size < 1) {
      Warn("ejection_never", ".ejection.max_share",
           "is less than one of the pool's " + std::to_string(pool_.backends.size()) +
               " backends: none is ever ejected",
           "Use a larger share, or enabled = false");
    }
  }

  void Queue() {
    const Pool pool;
    const bool queues = pool_.max_pending_per_backend != 0 || pool_.session_rate_per_backend;
    const std::string needs = "max_pending_per_backend or session_rate_per_backend";
    Unused(pool_.queue_timeout != pool.queue_timeout, queues, ".queue_timeout", needs);
    Unused(pool_.max_queued_per_backend != pool.max_queued_per_backend, queues,
           ".max_queued_per_backend", needs);
    Unused(pool_.on_overload != pool.on_overload, queues, ".on_overload", needs);
    if (queues && pool_.queue_timeout >= kClientPatience) {
      Warn("queue_timeout_long", ".queue_timeout",
           "SSTP clients give up 60s after they began, so that who waits longer waits in vain",
           "Use 10s to 30s");
    }
  }

  void Handshakes() {
    if (pool_.handshake_timeout != Duration::zero() || pool_.max_pending_per_backend == 0) return;
    Warn("handshake_unbounded", ".handshake_timeout",
         "a client that never finishes its TLS handshake keeps a place: " +
             std::to_string(pool_.max_pending_per_backend) +
             " of them, and nobody else reaches the backend",
         "Use 10s");
  }

  void Unused(bool changed, bool used, const std::string& key, const std::string& needs) {
    if (!changed || used) return;
    Warn("no_effect", key, "has no effect without " + needs, "Set that, or take it out");
  }

  void NoEffect() {
    const Pool pool;
    const Probe probe;
    const bool hashing = pool_.balance == Balance::kConsistentHash;
    Unused(pool_.hash_key != pool.hash_key, hashing, ".hash_key", "balance = \"consistent-hash\"");
    Unused(pool_.max_load != pool.max_load, hashing, ".max_load", "balance = \"consistent-hash\"");
    Unused(pool_.source_ip_ttl != pool.source_ip_ttl, pool_.balance == Balance::kSourceIp,
           ".source_ip_ttl", "balance = \"source-ip\"");
    Unused(pool_.proxy_tlvs != pool.proxy_tlvs, pool_.proxy_protocol == ProxyProtocol::kV2,
           ".proxy_tlvs", "proxy_protocol = \"v2\"");
    Unused(pool_.on_down != pool.on_down, probe_.kind != ProbeKind::kNone, ".on_down",
           "a probe, which could find a backend down");
    Unused(pool_.rebalance.window.has_value(), pool_.rebalance.budget.has_value(),
           ".rebalance.window", "rebalance.budget");
    const bool sstp = probe_.kind == ProbeKind::kSstp;
    const bool http = probe_.kind == ProbeKind::kHttp;
    const bool tls = sstp || http || probe_.kind == ProbeKind::kTls;
    Unused(probe_.depth != probe.depth, sstp, ".probe.depth", "kind = \"sstp\"");
    Unused(!probe_.path.empty(), sstp || http, ".probe.path", "kind = \"sstp\" or \"http\"");
    Unused(!probe_.command.empty(), probe_.kind == ProbeKind::kExec, ".probe.command",
           "kind = \"exec\"");
    Unused(probe_.verify != probe.verify, tls, ".probe.verify", "a kind that speaks TLS");
    // Also without `verify`: for what is shown and told of the certificate.
    Unused(!probe_.ca_file.empty(), tls, ".probe.ca_file", "a kind that speaks TLS");
    Unused(!probe_.crl_file.empty(), tls, ".probe.crl_file", "a kind that speaks TLS");
  }

  void ProbeKindAndDepth() {
    if (probe_.kind == ProbeKind::kTcp || probe_.kind == ProbeKind::kTls) {
      Warn("probe_shallow", ".probe.kind",
           "a server whose SSTP service is broken or switched off still answers " +
               std::string(probe_.kind == ProbeKind::kTcp ? "TCP" : "TLS"),
           "Use \"sstp\", which asks what a client would ask");
    }
    const bool call = probe_.kind == ProbeKind::kSstp && probe_.depth == ProbeDepth::kCall;
    if (call && probe_.server == ServerKind::kSstpServer) {
      Warn("probe_call_costs", ".probe.depth",
           "each such probe starts a pppd on sstp-server and takes an address for a moment",
           "Use \"post\", or a long interval and spare addresses");
    }
    const bool visible_when_full =
        probe_.server == ServerKind::kRras || probe_.server == ServerKind::kAccelPpp;
    const bool capped =
        std::ranges::all_of(pool_.backends, [](const Backend& b) { return b.max_sessions != 0; });
    if (call && visible_when_full && !capped) {
      Warn("probe_call_costs", ".probe.depth",
           "each such probe takes a port of " + std::string(ToWord(probe_.server)) +
               " for a moment: the last one of a full server from a client, and without "
               "max_sessions it is not known which server is full",
           "Set max_sessions of each backend to what it has, or use \"post\"");
    }
  }

  void ProbeTimes() {
    if (probe_.timeout > probe_.interval) {
      Warn("probe_timeout_long", ".probe.timeout",
           "a silent backend is asked only every " + ExactDuration(probe_.timeout) +
               ", not every " + ExactDuration(probe_.interval) +
               ": one probe is in flight at a time",
           "Make timeout shorter than interval");
    }
    if (probe_.budget && probe_.budget->per_second * Seconds(probe_.interval) < 1) {
      Warn("probe_budget_low", ".probe.budget",
           "allows fewer probes than interval (" + ExactDuration(probe_.interval) +
               ") asks for, and none for a closer look at a change",
           "Raise budget, or make interval longer");
    }
    if (probe_.interval < seconds(1)) {
      Warn("probe_interval_short", ".probe.interval",
           "SSTP servers log each probe like a client, SoftEther with 7 to 8 lines",
           "Use 2s or more; fast_interval takes over while an answer is changing");
    }
  }

  void ProbeHeader() {
    const ProbeProxyProtocol proxy = probe_.proxy_protocol;
    if (proxy == ProbeProxyProtocol::kSame) return;
    if (ToWord(proxy) == ToWord(pool_.proxy_protocol)) return;
    Warn("probe_proxy_differs", ".probe.proxy_protocol",
         "probes begin with another header (" + std::string(ToWord(proxy)) + ") than sessions (" +
             std::string(ToWord(pool_.proxy_protocol)) + "): they do not see what clients see",
         "Use \"same\" unless the port is another one");
  }

  void ProbeNames() {
    if (probe_.verify != Verify::kName || !ProbeServerName(config_, pool_).empty()) return;
    Warn("probe_name_unknown", ".probe.verify",
         "there is no name to compare the certificate with: sni is empty and no route with an "
         "exact name leads here",
         "Set probe.sni to the name that clients dial");
  }

  Findings& out_;
  const Config& config_;
  const Pool& pool_;
  const Probe& probe_;
};

}  // namespace

std::optional<Finding> ProxyUnreadable(const std::string& key, const std::string& kind) {
  const std::string name = "proxy_protocol_unreadable";
  if (kind == ToWord(ServerKind::kSstpServer)) {
    return Finding{
        Severity::kWarning, name, key,
        "sstp-server reads PROXY headers only on a port without TLS, which a pass-through cannot "
        "use",
        "Use \"none\", or put a TLS terminator that reads and sends the header on each backend"};
  }
  if (kind != ToWord(ServerKind::kRras) && kind != ToWord(ServerKind::kSoftEther) &&
      kind != "rras-or-softether") {
    return std::nullopt;
  }
  return Finding{Severity::kWarning, name, key,
                 kind + " knows no PROXY protocol and closes every connection that begins with it",
                 "Use \"none\"; to keep clients' addresses use source = \"transparent\""};
}

void LintPool(Findings& out, const Config& config, const Pool& pool) {
  PoolLint(out, config, pool).Run();
}

}  // namespace sstplb::config
