// How the real SSTP servers differ where a client or a probe can see it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lb/base/time.h"
#include "lb/sstp/message.h"

namespace sstplb::demo {

enum class Kind : std::uint8_t { kRras, kSoftether, kAccelPpp, kSstpServer, kMikrotik };

// The words of the configuration: rras, softether, accel-ppp, sstp-server, mikrotik.
std::string_view ToString(Kind kind);
std::optional<Kind> KindFromString(std::string_view text);

struct Personality {
  std::string server;         // the Server header; "" leaves it out
  std::string before_server;  // further lines of the 200, each with its CRLF
  std::string after_server;
  std::string reason = "OK";         // of the 200
  int wrong_target = 404;            // POST elsewhere; 200: the target is not looked at
  int wrong_method = 404;            // GET and the like; 0: closed without a byte
  bool split_records = false;        // header and body of a message in a TLS record each
  bool join_records = false;         // all messages of a moment in one TLS record
  bool nak_has_value = false;        // a Nak repeats the refused value: 22 bytes, not 20
  bool speaks_lcp_first = true;      // else it waits for the client's first frame
  bool answers_echo = true;          // an Echo Request after Call Connected
  bool ignores_early_echo = false;   // before Call Connected; else it aborts the call
  bool ignores_bad_binding = false;  // of Call Connected
  std::uint8_t hash_mask = sstp::kHashSha256;
  Duration close_delay = std::chrono::seconds(1);  // after a Disconnect or an Abort
};

Personality PersonalityOf(Kind kind);

}  // namespace sstplb::demo
