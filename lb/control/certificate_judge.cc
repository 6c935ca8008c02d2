// SPDX-License-Identifier: Apache-2.0
#include "lb/control/certificate_judge.h"

#include <algorithm>

#include "lb/config/names.h"

namespace sstplb::control {
namespace {

constexpr std::string_view kWildcard = "*.";
constexpr std::size_t kShortHash = 8;  // hex digits that tell certificates of a farm apart

// What follows the first label: "example.com" of "vpn.example.com"; "" when there is one label.
std::string_view Parent(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

bool Below(std::string_view name, std::string_view wildcard) {
  return !name.starts_with(kWildcard) && Parent(name) == wildcard.substr(kWildcard.size());
}

bool CoversOne(std::string_view name, std::string_view wanted) {
  if (name == wanted) return true;
  if (wanted.starts_with(kWildcard)) return Below(name, wanted);
  return name.starts_with(kWildcard) && Below(wanted, name);
}

// Without a subjectAltName the common name counts, for old clients as for OpenSSL.
std::vector<std::string> NamesOf(const probes::CertificateFacts& facts) {
  if (facts.names.empty() && !facts.common_name.empty()) return {facts.common_name};
  return facts.names;
}

struct End {
  WallTime when;
  std::string whose;  // " (SUBJECT)" of an intermediate; "" of its own
};

// Its own certificate is the first of the chain.
End EarliestEnd(const ShownCertificate& shown) {
  End end{shown.facts.not_after, ""};
  for (std::size_t i = 1; i < shown.chain.size(); ++i) {
    const probes::ChainLink& link = shown.chain[i];
    if (link.self_signed || link.not_after >= end.when) continue;
    end = {link.not_after, " (" + link.subject + ")"};
  }
  return end;
}

}  // namespace

std::string_view ToString(CertificateFinding finding) {
  switch (finding) {
    case CertificateFinding::kExpired:
      return "expired";
    case CertificateFinding::kExpires:
      return "expires";
    case CertificateFinding::kNotYetValid:
      return "not_yet_valid";
    case CertificateFinding::kRevoked:
      return "revoked";
    case CertificateFinding::kNames:
      return "names";
  }
  return "?";
}

std::optional<CertificateFinding> FindingOf(std::string_view word) {
  for (const CertificateFinding finding : kCertificateFindings) {
    if (ToString(finding) == word) return finding;
  }
  return std::nullopt;
}

CertificateWish WishOf(const config::Config& config, const config::Pool& pool) {
  CertificateWish wish;
  wish.warn = pool.probe.certificate_warn;
  const auto add = [&wish](const std::string& name) {
    if (std::ranges::find(wish.names, name) == wish.names.end()) wish.names.push_back(name);
  };
  for (const config::Listener& listener : config.listeners) {
    for (const config::Route& route : listener.routes) {
      if (route.pool == pool.name) std::ranges::for_each(route.sni, add);
    }
  }
  if (!pool.probe.sni.empty()) add(pool.probe.sni);
  return wish;
}

bool Covers(const std::vector<std::string>& names, std::string_view wanted) {
  const std::string lower = config::ToLower(wanted);
  return std::ranges::any_of(
      names, [&](const std::string& name) { return CoversOne(config::ToLower(name), lower); });
}

CertificateFindings Judge(const ShownCertificate& shown, const CertificateWish& wish,
                          WallTime now) {
  CertificateFindings findings;
  const probes::CertificateFacts& facts = shown.facts;
  const End end = EarliestEnd(shown);
  const auto left = end.when - now;
  if (left < Duration::zero()) {
    findings[CertificateFinding::kExpired] = FormatWallTime(end.when) + end.whose;
  } else if (left < wish.warn) {
    findings[CertificateFinding::kExpires] = "in " + FormatDuration(left) + end.whose;
  }
  if (facts.not_before > now) {
    findings[CertificateFinding::kNotYetValid] = "from " + FormatWallTime(facts.not_before);
  }
  if (shown.ocsp && shown.ocsp->status == "revoked") {
    findings[CertificateFinding::kRevoked] = "by its stapled OCSP answer";
  }
  const std::vector<std::string> names = NamesOf(facts);
  std::string missing;
  for (const std::string& name : wish.names) {
    if (!Covers(names, name)) missing += (missing.empty() ? "" : " ") + name;
  }
  // Of a certificate with very many names not all are known.
  if (!missing.empty() && !facts.names_cut) findings[CertificateFinding::kNames] = missing;
  return findings;
}

std::string Differences(const std::map<std::string, std::string>& certificate_of_backend) {
  std::map<std::string, std::string> backends_of;
  for (const auto& [backend, certificate] : certificate_of_backend) {
    std::string& backends = backends_of[certificate];
    backends += (backends.empty() ? "" : ",") + backend;
  }
  if (backends_of.size() < 2) return {};
  std::vector<std::string> groups;
  groups.reserve(backends_of.size());
  for (const auto& [certificate, backends] : backends_of) {
    groups.push_back(backends + ": " + certificate.substr(0, kShortHash));
  }
  std::ranges::sort(groups);
  std::string text;
  for (const std::string& group : groups) text += (text.empty() ? "" : " ") + group;
  return text;
}

}  // namespace sstplb::control
