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
      shown ? certificate_book_.Record(key, {*report.tls->certificate, report.tls->ocsp}, wish, now)
            : certificate_book_.Review(key, wish, now);
  for (const CertificateEvent& event : events) log_.Event(event.level, event.what, event.fields);
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
