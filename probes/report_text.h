// A ProbeReport for a person: what `sstplb probe` prints, one line per step.
//
//   tcp      0.3 ms  connected to 10.0.0.11:443 from 10.0.0.2:51234
//   tls      5.1 ms  TLSv1.3 TLS_AES_256_GCM_SHA384
//            cert    CN=vpn.example.com, issued by CN=Example CA
//            ...
//   post     1.2 ms  HTTP/1.1 200 OK, server Microsoft-HTTPAPI/2.0 (rras-or-softether)
//   ok       6.6 ms  the backend answered as it should
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "lb/base/time.h"
#include "probes/probe.h"
#include "probes/report.h"
#include "probes/tls_scan.h"

namespace sstplb::probes {

// Lines without their ends, printable ASCII. Pure; `now` is for the days a certificate has left.
std::vector<std::string> ReportLines(const ProbeRequest& request, const ProbeReport& report,
                                     WallTime now);
std::vector<std::string> ScanLines(const ScanReport& scan);

// Which keys of a pool's probe suit the server that answered so: server = "softether"; "" when the
// answers do not tell.
std::string FittingPreset(const ProbeRequest& request, const ProbeReport& report);

}  // namespace sstplb::probes
