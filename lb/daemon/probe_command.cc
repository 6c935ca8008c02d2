// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/probe_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "lb/base/loop.h"
#include "lb/daemon/interrupts.h"
#include "lb/daemon/lookup.h"
#include "lb/daemon/probe_json.h"
#include "probes/probe.h"
#include "probes/report_text.h"
#include "probes/tls_scan.h"

namespace sstplb::daemon {
namespace {

config::ProxyProtocol HeaderOf(config::ProbeProxyProtocol wanted) {
  switch (wanted) {
    case config::ProbeProxyProtocol::kV1:
      return config::ProxyProtocol::kV1;
    case config::ProbeProxyProtocol::kV2:
      return config::ProxyProtocol::kV2;
    case config::ProbeProxyProtocol::kSame:  // there is no data path to be the same as
    case config::ProbeProxyProtocol::kNone:
      break;
  }
  return config::ProxyProtocol::kNone;
}

nlohmann::ordered_json ScanJson(const probes::ScanReport& scan) {
  nlohmann::ordered_json json;
  json["versions"] = nlohmann::ordered_json::array();
  for (const probes::VersionScan& version : scan.versions) {
    json["versions"].push_back({{"version", version.version},
                                {"taken", version.accepted},
                                {"refused", version.refused},
                                {"refusal", version.refusal},
                                {"trouble", version.trouble}});
  }
  json["connections"] = scan.connections;
  json["took_seconds"] = Seconds(scan.took);
  json["trouble"] = scan.trouble;
  return json;
}

probes::ProbeReport Ask(Loop& loop, const probes::ProbeRequest& request) {
  probes::TlsContexts contexts;
  probes::ProbeReport report;
  const auto probe = probes::MakeProbe(loop, contexts, request);
  // A call that is dropped may cost the server an address for ever.
  const Interrupts interrupts(loop, [&probe] { probe->Cancel(); });
  probe->Start([&](const probes::ProbeReport& r) {
    report = r;
    loop.Stop();
  });
  loop.Run();
  return report;
}

probes::ScanReport Scan(Loop& loop, const probes::ProbeRequest& request) {
  probes::ScanReport report;
  probes::TlsScan scan(loop, request);
  scan.Start([&](const probes::ScanReport& r) {
    report = r;
    loop.Stop();
  });
  loop.Run();
  return report;
}

void Print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::printf("%s\n", line.c_str());
}

}  // namespace

int RunProbe(const HostPort& target, const config::Probe& settings, const ProbeView& view) {
  Loop loop;
  const Result<SocketAddress> address = Resolve(loop, target);
  if (!address) {
    std::fprintf(stderr, "sstplb: %s\n", address.error().message.c_str());
    return 1;
  }
  probes::ProbeRequest request;
  request.pool = "-";
  request.backend = target.ToString();
  request.address = *address;
  request.settings = settings;
  // As a client would: the name it was given, and none for an address.
  const bool named = !target.AsAddress().has_value();
  request.server_name = !settings.sni.empty() ? settings.sni : (named ? target.host : "");
  request.proxy_protocol = HeaderOf(settings.proxy_protocol);

  request.transcript = true;

  const probes::ProbeReport report = Ask(loop, request);
  std::optional<probes::ScanReport> scan;
  // Where TCP does not connect there is nothing to scan.
  const bool given_up = report.outcome == probes::Outcome::kCancelled;
  if (view.tls_versions && report.local && !given_up) scan = Scan(loop, request);
  if (view.json) {
    nlohmann::ordered_json json = ReportJson(request, report, WallClock::now());
    if (scan) json["tls_scan"] = ScanJson(*scan);
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    if (scan) Print(probes::ScanLines(*scan));
    Print(probes::ReportLines(request, report, WallClock::now()));
    if (!view.tls_versions && report.tls) {
      std::printf("tls scan             --tls-versions tries every version and cipher\n");
    }
  }
  return report.good() ? 0 : 1;
}

}  // namespace sstplb::daemon
