// SPDX-License-Identifier: Apache-2.0
#include "probes/server_kind.h"

#include "lb/config/words.h"

namespace sstplb::probes {
namespace {

constexpr std::string_view kRrasOrSoftEther = "rras-or-softether";
constexpr Duration kQuickClose = std::chrono::milliseconds(500);
constexpr Duration kSlowClose = std::chrono::milliseconds(1500);

std::string Word(config::ServerKind kind) { return std::string(config::ToWord(kind)); }

}  // namespace

ServerPreset PresetOf(config::ServerKind kind) {
  constexpr Duration kWatch = std::chrono::milliseconds(300);
  switch (kind) {
    case config::ServerKind::kSoftEther:
      return {Duration::zero(), false};  // runs out of addresses only later, inside PPP
    case config::ServerKind::kRras:
      return {kWatch, false};
    case config::ServerKind::kAuto:
    case config::ServerKind::kAccelPpp:
    case config::ServerKind::kSstpServer:
    case config::ServerKind::kMikrotik:
      break;
  }
  return {kWatch, true};
}

std::string LearnServerKind(const sstp::ResponseHead& head, std::string_view text) {
  if (head.server.starts_with("SSTP-Server")) return Word(config::ServerKind::kSstpServer);
  if (head.server.starts_with("Microsoft-HTTPAPI")) return std::string(kRrasOrSoftEther);
  if (head.server.empty() && text.find("\r\nConnection: keep-alive\r\n") != text.npos) {
    return Word(config::ServerKind::kAccelPpp);
  }
  return {};
}

std::string RefineServerKind(const std::string& kind, Duration until_close) {
  if (kind != kRrasOrSoftEther || until_close > kSlowClose) return kind;
  return Word(until_close < kQuickClose ? config::ServerKind::kSoftEther
                                        : config::ServerKind::kRras);
}

std::string ServerKindNote(config::ServerKind configured, const std::string& learned) {
  if (configured == config::ServerKind::kAuto || learned.empty()) return {};
  const std::string word = Word(configured);
  if (learned == word) return {};
  const bool either =
      configured == config::ServerKind::kRras || configured == config::ServerKind::kSoftEther;
  if (learned == kRrasOrSoftEther && either) return {};
  return "configured as " + word + ", answers like " + learned;
}

std::string_view StatusHint(int status) {
  switch (status) {
    case 404:
      return "the server does not know this path or this host name";
    case 501:
      return "the server does not do SSTP; on SoftEther it is switched off";
    case 503:
      return "the server is overloaded or out of ports";
    default:
      return {};
  }
}

}  // namespace sstplb::probes
