// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/probe_json.h"

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "probes/report_text.h"

namespace sstplb::daemon {
namespace {

// Whole ones; negative when it has ended.
std::int64_t DaysLeft(WallTime not_after, WallTime now) {
  return std::chrono::floor<std::chrono::days>(not_after - now).count();
}

nlohmann::ordered_json CertificateJson(const probes::CertificateFacts& facts, WallTime now) {
  return {{"sha256", facts.sha256},
          {"subject", facts.subject},
          {"issuer", facts.issuer},
          {"names", facts.names},
          {"not_before", FormatWallTime(facts.not_before)},
          {"not_after", FormatWallTime(facts.not_after)},
          {"days_left", DaysLeft(facts.not_after, now)},
          {"self_signed", facts.self_signed},
          {"verified", facts.verified},
          {"verify_error", facts.verify_error}};
}

nlohmann::ordered_json TlsJson(const probes::TlsFacts& tls, WallTime now) {
  nlohmann::ordered_json json = {
      {"version", tls.version}, {"cipher", tls.cipher}, {"alpn", tls.alpn}};
  json["chain"] = nlohmann::ordered_json::array();
  for (const probes::ChainLink& link : tls.chain) {
    json["chain"].push_back({{"subject", link.subject},
                             {"not_after", FormatWallTime(link.not_after)},
                             {"days_left", DaysLeft(link.not_after, now)}});
  }
  json["ocsp"] = tls.ocsp ? nlohmann::ordered_json(tls.ocsp->status) : nullptr;
  const bool until = tls.ocsp && tls.ocsp->next_update;
  json["ocsp_next_update"] =
      until ? nlohmann::ordered_json(FormatWallTime(*tls.ocsp->next_update)) : nullptr;
  if (tls.certificate) json["certificate"] = CertificateJson(*tls.certificate, now);
  return json;
}

}  // namespace

nlohmann::ordered_json ReportJson(const probes::ProbeRequest& request,
                                  const probes::ProbeReport& report, WallTime now) {
  nlohmann::ordered_json json;
  json["address"] = request.address ? request.address->ToString() : "";
  json["good"] = report.good();
  json["outcome"] = probes::ToString(report.outcome);
  json["meaning"] = probes::Info(report.outcome).sentence;
  json["detail"] = report.detail;
  json["hint"] = report.hint;
  json["note"] = report.note;
  json["took_seconds"] = Seconds(report.took);
  json["steps"] = nlohmann::ordered_json::array();
  for (const probes::StepTime& step : report.steps) {
    json["steps"].push_back(
        {{"step", probes::ToString(step.step)}, {"took_seconds", Seconds(step.took)}});
  }
  if (report.tls) json["tls"] = TlsJson(*report.tls, now);
  json["status_line"] = report.status_line;
  json["server_header"] = report.server_header;
  json["server"] = report.server_kind;
  json["hash_mask"] =
      report.hash_mask ? nlohmann::ordered_json(*report.hash_mask) : nlohmann::ordered_json();
  json["fits"] = probes::FittingPreset(request, report);
  json["said"] = nlohmann::ordered_json::array();
  for (const probes::Said& said : report.said) {
    json["said"].push_back({{"step", probes::ToString(said.step)},
                            {"by", said.by_us ? "us" : "server"},
                            {"lines", said.lines}});
  }
  return json;
}

}  // namespace sstplb::daemon
