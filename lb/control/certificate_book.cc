// SPDX-License-Identifier: Apache-2.0
#include "lb/control/certificate_book.h"

#include <utility>

namespace sstplb::control {
namespace {

std::string NameOf(const CertificateBook::Key& key) { return key.first + "/" + key.second; }

// What the event is called, and which field has the evidence.
struct Wording {
  std::string_view what;
  std::string_view evidence;
};
Wording WordingOf(CertificateFinding finding) {
  switch (finding) {
    case CertificateFinding::kExpired:
      return {"certificate expired", "at"};
    case CertificateFinding::kExpires:
      return {"certificate expires", "left"};
    case CertificateFinding::kNotYetValid:
      return {"certificate not yet valid", "valid"};
    case CertificateFinding::kRevoked:
      return {"certificate revoked", "how"};
    case CertificateFinding::kNames:
      return {"certificate does not cover", "missing"};
  }
  return {"certificate", "detail"};
}

CertificateEvent Begun(const CertificateBook::Key& key, CertificateFinding finding,
                       const std::string& evidence, const probes::CertificateFacts& facts) {
  const Wording wording = WordingOf(finding);
  return {LogLevel::kWarning,
          std::string(wording.what),
          {{"backend", NameOf(key)},
           {std::string(wording.evidence), evidence},
           {"not_after", FormatWallTime(facts.not_after)},
           {"subject", facts.subject},
           {"sha256", facts.sha256}}};
}

CertificateEvent Over(const CertificateBook::Key& key, CertificateFinding finding,
                      const probes::CertificateFacts& facts) {
  return {LogLevel::kInfo,
          "certificate in order",
          {{"backend", NameOf(key)}, {"was", ToString(finding)}, {"sha256", facts.sha256}}};
}

CertificateEvent Changed(const CertificateBook::Key& key, const std::string& was,
                         const probes::CertificateFacts& now) {
  return {LogLevel::kWarning,
          "certificate changed",
          {{"backend", NameOf(key)},
           {"sha256", now.sha256},
           {"was", was},
           {"not_after", FormatWallTime(now.not_after)},
           {"subject", now.subject},
           {"issuer", now.issuer}}};
}

}  // namespace

std::vector<CertificateEvent> CertificateBook::Record(const Key& key, ShownCertificate shown,
                                                      const CertificateWish& wish, WallTime now) {
  std::vector<CertificateEvent> events;
  CertificatePage& page = pages_[key];
  std::string was = page.shown.facts.sha256;
  if (auto before = before_.extract(key)) {
    was = std::move(before.mapped().sha256);
    page.findings = std::move(before.mapped().told);
    page.changes = before.mapped().changes;
  }
  CertificateFindings gone;
  if (was != shown.facts.sha256) news_ = true;
  if (!was.empty() && was != shown.facts.sha256) {
    ++page.changes;
    events.push_back(Changed(key, was, shown.facts));
    gone = std::exchange(page.findings, {});  // what holds of the new one is told anew
  }
  page.shown = std::move(shown);
  for (CertificateEvent& event : Review(key, wish, now)) events.push_back(std::move(event));
  for (const auto& [finding, evidence] : gone) {
    if (!page.findings.contains(finding)) events.push_back(Over(key, finding, page.shown.facts));
  }
  return events;
}

std::vector<CertificateEvent> CertificateBook::Review(const Key& key, const CertificateWish& wish,
                                                      WallTime now) {
  std::vector<CertificateEvent> events;
  const auto at = pages_.find(key);
  if (at == pages_.end()) return events;
  CertificatePage& page = at->second;
  CertificateFindings found = Judge(page.shown, wish, now);
  for (const auto& [finding, evidence] : found) {
    const auto told = page.findings.find(finding);
    // The days that are left change all the time; which names are missing is news.
    const bool news = told == page.findings.end() ||
                      (finding == CertificateFinding::kNames && told->second != evidence);
    if (news) events.push_back(Begun(key, finding, evidence, page.shown.facts));
  }
  for (const auto& [finding, evidence] : page.findings) {
    if (!found.contains(finding)) events.push_back(Over(key, finding, page.shown.facts));
  }
  if (!events.empty()) news_ = true;
  page.findings = std::move(found);
  TellDifferences(key.first, events);
  return events;
}

void CertificateBook::Remove(const Key& key) {
  if (pages_.erase(key) + before_.erase(key) > 0) news_ = true;
  const auto none_in = [&pool = key.first](const auto& map) {
    const auto rest = map.lower_bound({pool, ""});
    return rest == map.end() || rest->first.first != pool;
  };
  if (none_in(pages_) && none_in(before_)) differ_.erase(key.first);
}

void CertificateBook::Restore(Memories before) {
  before_ = std::move(before);
  std::set<std::string> pools;
  for (const auto& [key, memory] : before_) pools.insert(key.first);
  for (const std::string& pool : pools) {
    if (Differ(pool)) differ_.insert(pool);
  }
}

CertificateBook::Memories CertificateBook::Export() const {
  Memories memories = before_;
  for (const auto& [key, page] : pages_) {
    memories[key] = {page.shown.facts.sha256, page.findings, page.changes};
  }
  return memories;
}

const CertificatePage* CertificateBook::Find(std::string_view pool,
                                             std::string_view backend) const {
  const auto found = pages_.find(Key(pool, backend));
  return found == pages_.end() ? nullptr : &found->second;
}

std::string CertificateBook::DifferencesIn(const std::string& pool) const {
  std::map<std::string, std::string> certificates;
  for (auto at = pages_.lower_bound({pool, ""}); at != pages_.end() && at->first.first == pool;
       ++at) {
    certificates[at->first.second] = at->second.shown.facts.sha256;
  }
  for (auto at = before_.lower_bound({pool, ""}); at != before_.end() && at->first.first == pool;
       ++at) {
    certificates[at->first.second] = at->second.sha256;
  }
  return Differences(certificates);
}

void CertificateBook::TellDifferences(const std::string& pool,
                                      std::vector<CertificateEvent>& events) {
  const std::string now = DifferencesIn(pool);
  if (now.empty()) {
    if (differ_.erase(pool) == 0) return;
    events.push_back({LogLevel::kInfo, "certificates agree", {{"pool", pool}}});
  } else if (differ_.insert(pool).second) {
    events.push_back(
        {LogLevel::kWarning, "certificates differ", {{"pool", pool}, {"certificates", now}}});
  }
}

}  // namespace sstplb::control
