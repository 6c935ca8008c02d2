// SPDX-License-Identifier: Apache-2.0
#include "probes/transcript.h"

#include <algorithm>
#include <string_view>

#include "lb/sstp/message.h"
#include "probes/text.h"

namespace sstplb::probes {
namespace {

constexpr std::size_t kMaxLines = 24;
constexpr std::size_t kMaxLine = 160;
constexpr std::size_t kMaxBytes = 24;  // of a packet, shown

std::string Hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kMaxBytes))) {
    if (!text.empty()) text += ' ';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return bytes.size() > kMaxBytes ? text + " ..." : text;
}

std::string Hashes(std::uint8_t mask) {
  std::string text;
  if ((mask & sstp::kHashSha1) != 0) text += " SHA-1";
  if ((mask & sstp::kHashSha256) != 0) text += " SHA-256";
  return text.empty() ? " no hash" : text;
}

std::string Meaning(const sstp::ControlMessage& message) {
  std::string text(sstp::ToString(message.type));
  if (const auto binding = sstp::FindCryptoBindingRequest(message)) {
    text += ", crypto binding with" + Hashes(binding->hash_mask);
  }
  if (const auto info = sstp::FindStatusInfo(message)) {
    text += ", status " + std::to_string(static_cast<std::uint32_t>(info->status)) + " " +
            std::string(sstp::ToString(info->status));
  }
  return text;
}

}  // namespace

std::vector<std::string> HeadLines(ByteView head) {
  std::vector<std::string> lines;
  std::string_view text = AsText(head);
  while (!text.empty() && lines.size() < kMaxLines) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(Printable(line, kMaxLine));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> PacketLines(ByteView packet) {
  const std::string size = ", " + std::to_string(packet.size()) + " bytes";
  const sstp::PacketResult parsed = sstp::NextPacket(packet);
  std::string what = "no SSTP";
  if (parsed.state == sstp::ParseState::kParsed) {
    const auto message = sstp::ParseControl(parsed.packet.body);
    what = !parsed.packet.control ? "PPP" : message ? Meaning(*message) : message.error().message;
  }
  return {what + size, Hex(packet)};
}

}  // namespace sstplb::probes
