// What is known of the SSTP servers there are: how each is probed, and how each is recognised.
// They all take the same POST and the same Call Connect Request; they differ in how they end.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "lb/base/time.h"
#include "lb/config/config.h"
#include "lb/sstp/http.h"

namespace sstplb::probes {

struct ServerPreset {
  // After the Ack of a call: how long to wait for an Abort, by which a server takes it back when it
  // has no address left. Zero where that never happens.
  Duration watch;
  // Whether it can read a PROXY header ahead of TLS at all.
  bool reads_proxy;
};
ServerPreset PresetOf(config::ServerKind kind);

// Which server answers so: a word of config::ServerKind, "rras-or-softether", or "" when nothing
// tells. `text` is the head as sent.
std::string LearnServerKind(const sstp::ResponseHead& head, std::string_view text);
// The two that look alike close differently after a Disconnect: SoftEther within 25 ms, RRAS by its
// timer of 1 s (MS-SSTP 3.1.2). Gives `kind` back when that does not tell.
std::string RefineServerKind(const std::string& kind, Duration until_close);

// "configured as rras, answers like sstp-server"; "" when they fit.
std::string ServerKindNote(config::ServerKind configured, const std::string& learned);

// What a status other than 200 means on an SSTP server; "" when there is nothing to add.
std::string_view StatusHint(int status);

}  // namespace sstplb::probes
