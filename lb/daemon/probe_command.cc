// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/probe_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "lb/base/loop.h"
#include "lb/daemon/lookup.h"
#include "probes/probe.h"
#include "probes/report_text.h"

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

nlohmann::ordered_json CertificateJson(const probes::CertificateFacts& facts) {
  return {{"sha256", facts.sha256},
          {"subject", facts.subject},
          {"issuer", facts.issuer},
          {"names", facts.names},
          {"not_before", FormatWallTime(facts.not_before)},
          {"not_after", FormatWallTime(facts.not_after)},
          {"self_signed", facts.self_signed},
          {"verified", facts.verified},
          {"verify_error", facts.verify_error}};
}

nlohmann::ordered_json ReportJson(const probes::ProbeRequest& request,
                                  const probes::ProbeReport& report) {
  nlohmann::ordered_json json;
  json["address"] = request.address ? request.address->ToString() : "";
  json["good"] = report.good();
  json["outcome"] = probes::ToString(report.outcome);
  json["meaning"] = probes::Info(report.outcome).sentence;
  json["detail"] = report.detail;
  json["note"] = report.note;
  json["took_seconds"] = Seconds(report.took);
  json["steps"] = nlohmann::ordered_json::array();
  for (const probes::StepTime& step : report.steps) {
    json["steps"].push_back(
        {{"step", probes::ToString(step.step)}, {"took_seconds", Seconds(step.took)}});
  }
  if (report.tls) {
    json["tls"] = {{"version", report.tls->version},
                   {"cipher", report.tls->cipher},
                   {"alpn", report.tls->alpn},
                   {"chain", report.tls->chain}};
    if (report.tls->certificate) {
      json["tls"]["certificate"] = CertificateJson(*report.tls->certificate);
    }
  }
  json["status_line"] = report.status_line;
  json["server_header"] = report.server_header;
  json["server"] = report.server_kind;
  return json;
}

}  // namespace

int RunProbe(const HostPort& target, const config::Probe& settings, bool json) {
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

  probes::TlsContexts contexts;
  std::optional<probes::ProbeReport> report;
  const auto probe = probes::MakeProbe(loop, contexts, request);
  probe->Start([&](const probes::ProbeReport& r) {
    report = r;
    loop.Stop();
  });
  loop.Run();
  if (!report) return 1;
  if (json) {
    std::printf("%s\n", ReportJson(request, *report).dump(2).c_str());
  } else {
    for (const std::string& line : probes::ReportLines(request, *report, WallClock::now())) {
      std::printf("%s\n", line.c_str());
    }
  }
  return report->good() ? 0 : 1;
}

}  // namespace sstplb::daemon
