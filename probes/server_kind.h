// What is known of the SSTP servers there are: how each is probed, and how each is recognised.
// They all take the same POST and the same Call Connect Request; they differ in how they answer
// and in how they end. docs/probes.md has it as a table.
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
  // has no address left. Short where that has never been seen.
  Duration watch;
};
ServerPreset PresetOf(config::ServerKind kind);

// Which server answers a POST so: a word of config::ServerKind, "rras-or-softether", or "" when
// nothing tells. `text` is the head as sent.
//
//   sstp-server, mikrotik   by their Server header
//   accel-ppp               no Server header, but "Connection: keep-alive"
//   rras, softether         both say Microsoft-HTTPAPI: SoftEther sorts its headers, so Date stands
//                           before Server; HTTP.SYS ends with Date, and sends no reason phrase
std::string LearnServerKind(const sstp::ResponseHead& head, std::string_view text);
// Where those two still look alike they close differently after a Disconnect: SoftEther within
// 25 ms, RRAS by its timer of 1 s (MS-SSTP 3.1.2). Gives `kind` back when that does not tell.
std::string RefineServerKind(const std::string& kind, Duration until_close);
// What is known after one more answer: a vague one, or none, does not undo a clear one.
std::string BetterServerKind(const std::string& known, const std::string& learned);

// How a server is treated: as configured; with "auto" as what was learned, when that is one kind.
config::ServerKind TreatedAs(config::ServerKind configured, std::string_view learned);

// "configured as rras, answers like sstp-server"; "" when they fit.
std::string ServerKindNote(config::ServerKind configured, const std::string& learned);

}  // namespace sstplb::probes
