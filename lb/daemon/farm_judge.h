// What the answers of a farm mean for its operator: pure, over what probes found.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lb/base/time.h"
#include "lb/config/config.h"
#include "lb/config/finding.h"
#include "lb/daemon/farm_probe.h"

namespace sstplb::daemon {

// One line for a person: outcome, kind of server, TLS and certificate.
std::string AnswerLine(const FarmAnswer& answer, WallTime now);

// Names of findings are those of source kOnline (finding.def), and proxy_protocol_unreadable, which
// the file tells of a kind that it names. In the order of the answers, which
// are those of `config`, then by pool.
config::Findings JudgeFarm(const config::Config& config, const FarmAnswers& answers, WallTime now);

}  // namespace sstplb::daemon
