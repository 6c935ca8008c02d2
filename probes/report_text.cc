// SPDX-License-Identifier: Apache-2.0
#include "probes/report_text.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "lb/config/words.h"

namespace sstplb::probes {
namespace {

constexpr Duration kDay = std::chrono::hours(24);

// Two columns that end at the same place, then the text.
std::string Line(std::string_view first, std::string_view second, const std::string& text) {
  constexpr std::size_t kWidth = 19;
  const std::size_t used = first.size() + second.size();
  std::string line(first);
  line.append(used < kWidth ? kWidth - used : 1, ' ');
  line += second;
  return text.empty() ? line : line + "  " + text;
}

std::string Milliseconds(Duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", Seconds(duration) * 1e3);
  return text;
}

std::string Join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

std::string Day(WallTime time) { return FormatWallTime(time).substr(0, 10); }

std::string DaysLeft(WallTime not_after, WallTime now) {
  const auto days = (not_after - now) / kDay;
  if (not_after < now) return "expired " + std::to_string(-days) + " days ago";
  return std::to_string(days) + " days left";
}

std::string ChainText(const std::vector<ChainLink>& chain, WallTime now) {
  std::vector<std::string> links;
  links.reserve(chain.size());
  for (const ChainLink& link : chain) {
    links.push_back(link.subject + " (" + DaysLeft(link.not_after, now) + ")");
  }
  return Join(links, " <- ");
}

std::string OcspText(const OcspFacts& ocsp) {
  return "stapled, " + ocsp.status +
         (ocsp.next_update ? ", until " + FormatWallTime(*ocsp.next_update) : "");
}

void AddCertificate(const TlsFacts& tls, WallTime now, std::vector<std::string>& lines) {
  const auto add = [&lines](std::string_view key, const std::string& text) {
    lines.push_back(Line("", key, text));
  };
  if (!tls.alpn.empty()) add("alpn", tls.alpn);
  if (!tls.certificate) return add("cert", "none shown");
  const CertificateFacts& cert = *tls.certificate;
  add("cert", cert.subject + (cert.self_signed ? ", self-signed" : ", issued by " + cert.issuer));
  if (!cert.names.empty()) add("names", Join(cert.names, " "));
  add("valid",
      Day(cert.not_before) + " to " + Day(cert.not_after) + ", " + DaysLeft(cert.not_after, now));
  add("sha256", cert.sha256);
  if (tls.chain.size() > 1) add("chain", ChainText(tls.chain, now));
  add("trust", cert.verified ? "verified" : "not verified: " + cert.verify_error);
  if (tls.ocsp) add("ocsp", OcspText(*tls.ocsp));
}

std::string ProxyText(config::ProxyProtocol proxy) {
  return proxy == config::ProxyProtocol::kV1 ? "v1 header sent" : "v2 LOCAL header sent";
}

std::string HttpText(const ProbeReport& report) {
  std::string text = report.status_line;
  if (!report.server_header.empty()) text += ", server " + report.server_header;
  if (!report.server_kind.empty()) text += " (" + report.server_kind + ")";
  return text;
}

std::string CallText(const ProbeReport& report) {
  if (!report.hash_mask) return {};
  std::string hashes;
  if ((*report.hash_mask & 1) != 0) hashes += " SHA-1";
  if ((*report.hash_mask & 2) != 0) hashes += " SHA-256";
  return "Ack, crypto binding with" + (hashes.empty() ? " no hash" : hashes);
}

void AddSaid(Step step, const ProbeReport& report, std::vector<std::string>& lines) {
  for (const Said& said : report.said) {
    if (said.step != step) continue;
    for (std::size_t i = 0; i < said.lines.size(); ++i) {
      lines.push_back(Line("", i > 0 ? "" : said.by_us ? "sent" : "came", said.lines[i]));
    }
  }
}

std::string StepText(Step step, const ProbeRequest& request, const ProbeReport& report) {
  switch (step) {
    case Step::kTcp:
      if (!report.local || !request.address) return {};
      return "connected to " + request.address->ToString() + " from " + report.local->ToString();
    case Step::kProxy:
      return ProxyText(request.proxy_protocol);
    case Step::kTls:
      return report.tls ? report.tls->version + " " + report.tls->cipher : "";
    case Step::kPost:
    case Step::kGet:
      return HttpText(report);
    case Step::kCall:
      return CallText(report);
    case Step::kClose:
      return report.peer_closed ? "the backend closed" : "";
    case Step::kResolve:
    case Step::kWatch:
    case Step::kExec:
      break;
  }
  return {};
}

}  // namespace

std::vector<std::string> ReportLines(const ProbeRequest& request, const ProbeReport& report,
                                     WallTime now) {
  std::vector<std::string> lines;
  for (const StepTime& step : report.steps) {
    lines.push_back(
        Line(ToString(step.step), Milliseconds(step.took), StepText(step.step, request, report)));
    if (step.step == Step::kTls && report.tls) AddCertificate(*report.tls, now, lines);
    AddSaid(step.step, report, lines);
  }
  const std::string fits = FittingPreset(request, report);
  if (!fits.empty()) lines.push_back(Line("fits", "", fits));
  if (!report.note.empty()) lines.push_back(Line("note", "", report.note));
  const OutcomeInfo& info = Info(report.outcome);
  lines.push_back(Line(info.word, Milliseconds(report.took), std::string(info.sentence)));
  if (!report.detail.empty()) lines.push_back(Line("", "", report.detail));
  if (!report.hint.empty()) lines.push_back(Line("hint", "", report.hint));
  return lines;
}

std::vector<std::string> ScanLines(const ScanReport& scan) {
  std::vector<std::string> lines;
  for (const VersionScan& version : scan.versions) {
    if (version.accepted.empty()) {
      lines.push_back(version.trouble.empty()
                          ? Line(version.version, "refused", version.refusal)
                          : Line(version.version, "not known", version.trouble));
      continue;
    }
    for (std::size_t i = 0; i < version.accepted.size(); ++i) {
      const bool first = i == 0;
      lines.push_back(
          Line(first ? version.version : "", first ? "taken" : "", version.accepted[i]));
    }
    if (!version.refused.empty()) {
      lines.push_back(
          Line("", "refused",
               std::to_string(version.refused.size()) + " others; --json has their names"));
    }
    if (!version.trouble.empty()) lines.push_back(Line("", "not known", version.trouble));
  }
  if (!scan.trouble.empty()) lines.push_back(Line("ended early", "", scan.trouble));
  lines.push_back(Line("tls scan", Milliseconds(scan.took),
                       std::to_string(scan.connections) +
                           " connections; ciphers taken stand in the server's order"));
  return lines;
}

std::string FittingPreset(const ProbeRequest& request, const ProbeReport& report) {
  if (request.settings.kind != config::ProbeKind::kSstp || report.server_kind.empty()) return {};
  const auto kind = config::FromWord<config::ServerKind>(report.server_kind);
  if (!kind) return "server = \"rras\" or \"softether\": --depth call tells them apart";
  std::string text = "server = \"" + report.server_kind + "\"";
  if (request.proxy_protocol != config::ProxyProtocol::kNone && report.good()) {
    text += ", proxy_protocol = \"" + std::string(config::ToWord(request.proxy_protocol)) + "\"";
  }
  return text;
}

}  // namespace sstplb::probes
