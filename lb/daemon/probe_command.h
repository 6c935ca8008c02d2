// `sstplb probe HOST:PORT`: one probe in full view.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/address.h"
#include "lb/config/config.h"

namespace sstplb::daemon {

struct ProbeView {
  bool json = false;          // one JSON object, not lines
  bool tls_versions = false;  // tries every version and cipher of TLS as well
};

// Looks the host up, probes it once and prints every step. 0 when the backend answered as it
// should, else 1. The first SIGINT or SIGTERM gives the probe up, and a call under way is still
// ended in order (probes::Probe::kMaxClosing); the second ends the process at once.
int RunProbe(const HostPort& target, const config::Probe& settings, const ProbeView& view);

}  // namespace sstplb::daemon
