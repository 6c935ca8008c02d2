// What the HTTP of both probes that speak it shares.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lb/base/bytes.h"
#include "lb/sstp/http.h"
#include "probes/probe.h"
#include "probes/report.h"

namespace sstplb::probes {

// The server's name, or its address; without a port, as SSTP clients send it.
std::string HostHeader(const ProbeRequest& request);

// Puts status line and Server header into the report. `bytes` begin with the head.
void TakeHead(const sstp::ResponseHead& head, ByteView bytes, ProbeReport& report);

}  // namespace sstplb::probes
