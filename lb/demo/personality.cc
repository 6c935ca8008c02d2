// SPDX-License-Identifier: Apache-2.0
#include "lb/demo/personality.h"

#include <array>
#include <utility>

namespace sstplb::demo {
namespace {

// Where Date stands tells SoftEther from what it imitates; the time itself nobody reads.
constexpr std::string_view kDate = "Date: Sun, 22 Nov 2026 05:00:00 GMT\r\n";
constexpr std::uint8_t kBothHashes = sstp::kHashSha1 | sstp::kHashSha256;

constexpr std::array<std::pair<Kind, std::string_view>, 5> kWords = {{
    {Kind::kRras, "rras"},
    {Kind::kSoftether, "softether"},
    {Kind::kAccelPpp, "accel-ppp"},
    {Kind::kSstpServer, "sstp-server"},
    {Kind::kMikrotik, "mikrotik"},
}};

Personality Softether() {
  Personality made;
  made.server = "Microsoft-HTTPAPI/2.0";
  made.before_server = kDate;
  made.wrong_method = 403;
  made.speaks_lcp_first = false;
  made.answers_echo = false;
  made.ignores_early_echo = true;
  made.ignores_bad_binding = true;
  made.close_delay = std::chrono::milliseconds(25);
  return made;
}

Personality SstpServer() {
  Personality made;
  made.server = "SSTP-Server/0.7.2";
  made.wrong_target = 200;
  made.wrong_method = 0;
  made.split_records = true;
  made.hash_mask = kBothHashes;
  return made;
}

}  // namespace

std::string_view ToString(Kind kind) {
  for (const auto& [known, word] : kWords) {
    if (known == kind) return word;
  }
  return "unknown";
}

std::optional<Kind> KindFromString(std::string_view text) {
  for (const auto& [kind, word] : kWords) {
    if (word == text) return kind;
  }
  return std::nullopt;
}

Personality PersonalityOf(Kind kind) {
  Personality made;
  switch (kind) {
    case Kind::kSoftether:
      return Softether();
    case Kind::kSstpServer:
      return SstpServer();
    case Kind::kRras:
      made.server = "Microsoft-HTTPAPI/2.0";
      made.reason.clear();
      made.after_server = kDate;
      made.wrong_method = 401;
      return made;
    case Kind::kAccelPpp:
      made.before_server = std::string(kDate) + "Connection: keep-alive\r\n";
      made.hash_mask = kBothHashes;
      made.nak_has_value = true;
      return made;
    case Kind::kMikrotik:
      made.server = "MikroTik-SSTP";
      made.reason.clear();
      made.after_server = kDate;
      return made;
  }
  return made;
}

}  // namespace sstplb::demo
