// SPDX-License-Identifier: Apache-2.0
#include "probes/report.h"

namespace sstplb::probes {

std::optional<Duration> CertificateLeft(const ProbeReport& report, WallTime now) {
  if (!report.tls || !report.tls->certificate) return std::nullopt;
  return report.tls->certificate->not_after - now;
}

}  // namespace sstplb::probes
