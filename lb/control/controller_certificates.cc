// What the controller makes of the certificates that probes bring.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/control/controller.h"

namespace sstplb::control {

void Controller::WatchCertificate(const ProbeBook::Key& key, const probes::ProbeReport& report) {
  const config::Pool* pool = config_.FindPool(key.first);
  if (pool == nullptr) return;
  const CertificateWish wish = WishOf(config_, *pool);
  const WallTime now = WallClock::now();
  const bool shown = report.tls && report.tls->certificate;
  const auto events =
      shown ? certificate_book_.Record(
                  key, {*report.tls->certificate, report.tls->ocsp, report.tls->chain}, wish, now)
            : certificate_book_.Review(key, wish, now);
  for (const CertificateEvent& event : events) log_.Event(event.level, event.what, event.fields);
}

// For the next process.
void Controller::GatherCertificates() {
  state_.certificates.clear();
  for (const auto& [key, memory] : certificate_book_.Export()) {
    backend::KnownCertificate& known = state_.certificates.emplace_back();
    known.pool = key.first;
    known.backend = key.second;
    known.sha256 = memory.sha256;
    for (const auto& [finding, evidence] : memory.told) {
      known.told.emplace(ToString(finding), evidence);
    }
  }
}

// Of the process before this one, when it is known which backends there are.
void Controller::RestoreCertificates() {
  CertificateBook::Memories before;
  for (const backend::KnownCertificate& known : state_.certificates) {
    const auto target = targets_.find({known.pool, known.backend});
    if (target == targets_.end()) continue;
    if (target->second.request.settings.kind == config::ProbeKind::kNone) continue;
    CertificateMemory& memory = before[target->first];
    memory.sha256 = known.sha256;
    for (const auto& [word, evidence] : known.told) {
      if (const auto finding = FindingOf(word)) memory.told[*finding] = evidence;
    }
  }
  for (const handoff::BackendState& backend : inheritance_.backends()) {
    const auto known = before.find({backend.pool, backend.backend});
    if (known != before.end()) known->second.changes = backend.certificate_changes;
  }
  certificate_book_.Restore(std::move(before));
}

CertificateStatus ToStatus(const CertificatePage& page) {
  const probes::CertificateFacts& facts = page.shown.facts;
  CertificateStatus status{.sha256 = facts.sha256,
                           .subject = facts.subject,
                           .issuer = facts.issuer,
                           .names = facts.names,
                           .not_before = facts.not_before,
                           .not_after = facts.not_after,
                           .verified = facts.verified,
                           .verify_error = facts.verify_error,
                           .ocsp = page.shown.ocsp ? page.shown.ocsp->status : "",
                           .changes = page.changes,
                           .findings = {}};
  for (const auto& [finding, evidence] : page.findings) {
    status.findings.emplace_back(ToString(finding), evidence);
  }
  return status;
}

}  // namespace sstplb::control
