// The line of version 1 (proxy-protocol.txt, section 2.1):
//   PROXY TCP4 192.0.2.1 198.51.100.2 51234 443 CR LF
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "proxyproto/parse_internal.h"

namespace sstplb::proxyproto::internal {
namespace {

constexpr std::string_view kUnknown = "UNKNOWN";

// The words of a line, each after exactly one space; nullopt unless there are exactly kWords.
template <std::size_t kWords>
std::optional<std::array<std::string_view, kWords>> Split(std::string_view line) {
  std::array<std::string_view, kWords> words;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::size_t space = line.find(' ');
    const bool last = i + 1 == kWords;
    if (last != (space == std::string_view::npos)) return std::nullopt;
    words[i] = line.substr(0, space);
    line.remove_prefix(last ? line.size() : space + 1);
  }
  return words;
}

// A colon tells the families apart. "::ffff:192.0.2.1" passes as TCP6 although the format knows
// only groups of hex digits: HAProxy and nginx write it so on a dual-stack listener.
std::optional<IpAddress> ReadAddress(std::string_view text, Family family) {
  const bool colon = text.find(':') != std::string_view::npos;
  if (colon != (family == Family::kInet6)) return std::nullopt;
  return IpAddress::Parse(text);
}

std::optional<std::uint16_t> ReadPort(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return port;
}

// The line without its prefix and its end.
ParseResult ReadLine(std::string_view line, std::size_t size) {
  Header header;
  header.version = Version::kV1;
  header.command = Command::kProxy;
  // "the receiver must ignore anything presented before the CRLF" - but the word must end.
  if (line == kUnknown || line.starts_with("UNKNOWN ")) return Ok(size, std::move(header));

  const auto words = Split<5>(line);
  if (!words) return Bad("v1: not five words with one space between them");
  const auto& [protocol, from, to, from_port, to_port] = *words;
  if (protocol != "TCP4" && protocol != "TCP6") return Bad("v1: unknown protocol");
  header.family = protocol == "TCP4" ? Family::kInet : Family::kInet6;
  header.transport = Transport::kStream;

  const auto source = ReadAddress(from, header.family);
  const auto destination = ReadAddress(to, header.family);
  if (!source || !destination) return Bad("v1: not an address of the protocol's family");
  const auto source_port = ReadPort(from_port);
  const auto destination_port = ReadPort(to_port);
  if (!source_port || !destination_port) return Bad("v1: not a port");
  header.source = SocketAddress{*source, *source_port};
  header.destination = SocketAddress{*destination, *destination_port};
  return Ok(size, std::move(header));
}

// Whether the rest of the line is free text, with lone CRs and LFs and all.
bool MayBeUnknown(std::string_view line) {
  return line.substr(0, kUnknown.size()) == kUnknown.substr(0, line.size());
}

}  // namespace

ParseResult ParseV1(ByteView data) {
  const std::string_view text = AsText(data).substr(0, kMaxV1Size);
  const std::string_view line = text.substr(kV1Prefix.size());
  const std::size_t end = line.find("\r\n");
  if (end != std::string_view::npos) {
    return ReadLine(line.substr(0, end), kV1Prefix.size() + end + 2);
  }
  if (text.size() == kMaxV1Size) return Bad("v1: no line end within 107 bytes");
  if (!MayBeUnknown(line)) {
    // No need to wait for a deadline: this line can end well no more.
    const std::size_t stop = line.find_first_of("\r\n");
    if (stop != std::string_view::npos && (line[stop] == '\n' || stop + 1 < line.size())) {
      return Bad("v1: the line does not end in CR LF");
    }
  }
  return NeedMore(std::min(text.size() + (text.back() == '\r' ? 1 : 2), kMaxV1Size));
}

}  // namespace sstplb::proxyproto::internal
