// `sstplb probe HOST:PORT`: one probe in full view.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lb/base/address.h"
#include "lb/config/config.h"

namespace sstplb::daemon {

// Looks the host up, probes it once and prints every step; `json` prints one JSON object instead.
// 0 when the backend answered as it should, else 1.
int RunProbe(const HostPort& target, const config::Probe& settings, bool json);

}  // namespace sstplb::daemon
