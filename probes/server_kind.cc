// SPDX-License-Identifier: Apache-2.0
#include "probes/server_kind.h"

#include "lb/config/words.h"

namespace sstplb::probes {
namespace {

constexpr std::string_view kRrasOrSoftEther = "rras-or-softether";
constexpr Duration kQuickClose = std::chrono::milliseconds(500);
constexpr Duration kSlowClose = std::chrono::milliseconds(1500);

std::string Word(config::ServerKind kind) { return std::string(config::ToWord(kind)); }

bool IsEither(std::string_view kind) {
  return kind == config::ToWord(config::ServerKind::kRras) ||
         kind == config::ToWord(config::ServerKind::kSoftEther);
}

// Both call themselves HTTP.SYS; one of them is.
std::string MicrosoftOrNot(const sstp::ResponseHead& head, std::string_view text) {
  const std::size_t date = text.find("\r\nDate:");
  const std::size_t server = text.find("\r\nServer:");
  if (date != text.npos && server != text.npos && date < server) {
    return Word(config::ServerKind::kSoftEther);
  }
  if (head.reason.empty()) return Word(config::ServerKind::kRras);
  return std::string(kRrasOrSoftEther);
}

}  // namespace

ServerPreset PresetOf(config::ServerKind kind) {
  constexpr Duration kWatch = std::chrono::milliseconds(300);
  switch (kind) {
    case config::ServerKind::kSoftEther:  // runs out of addresses only later, inside PPP
      return {std::chrono::milliseconds(30)};
    case config::ServerKind::kRras:
    case config::ServerKind::kMikrotik:
    case config::ServerKind::kAuto:
    case config::ServerKind::kAccelPpp:
    case config::ServerKind::kSstpServer:
      break;
  }
  return {kWatch};
}

std::string LearnServerKind(const sstp::ResponseHead& head, std::string_view text) {
  if (head.server.starts_with("SSTP-Server")) return Word(config::ServerKind::kSstpServer);
  if (head.server.starts_with("MikroTik")) return Word(config::ServerKind::kMikrotik);
  if (head.server.starts_with("Microsoft-HTTPAPI")) return MicrosoftOrNot(head, text);
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

std::string BetterServerKind(const std::string& known, const std::string& learned) {
  if (learned.empty() || (learned == kRrasOrSoftEther && IsEither(known))) return known;
  return learned;
}

config::ServerKind TreatedAs(config::ServerKind configured, std::string_view learned) {
  if (configured != config::ServerKind::kAuto) return configured;
  return config::FromWord<config::ServerKind>(learned).value_or(config::ServerKind::kAuto);
}

std::string ServerKindNote(config::ServerKind configured, const std::string& learned) {
  if (configured == config::ServerKind::kAuto || learned.empty()) return {};
  const std::string word = Word(configured);
  if (learned == word || (learned == kRrasOrSoftEther && IsEither(word))) return {};
  return "configured as " + word + ", answers like " + learned;
}

}  // namespace sstplb::probes
