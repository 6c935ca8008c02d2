// SPDX-License-Identifier: Apache-2.0
#include "lb/sstp/http.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace sstplb::sstp {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <class T>
std::optional<T> Decimal(std::string_view text) {
  T value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// HTTP text has no control characters but the tab; the ends of lines are cut off before.
bool Clean(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

// Calls `line` with each line of a head up to the empty one and gives the size of the whole, 0 when
// it is not all there yet. A line ends at LF; a CR before it belongs to the end (RFC 9112, 2.2).
// Stops early, with `why` set, when a line is refused.
std::size_t ForEachLine(std::string_view text, std::string& why,
                        const std::function<bool(std::string_view)>& line) {
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text.find('\n', at);
    if (end >= kMaxHeadSize) {
      if (text.size() >= kMaxHeadSize) why = "an HTTP head above 8 KiB";
      return 0;
    }
    std::string_view content = text.substr(at, end - at);
    if (!content.empty() && content.back() == '\r') content.remove_suffix(1);
    at = end + 1;
    if (content.empty()) return at;
    if (!Clean(content)) why = "a control character in an HTTP head";
    if (!why.empty() || !line(content)) return 0;
  }
}

struct Header {
  std::string_view name;
  std::string_view value;
};

std::optional<Header> SplitHeader(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  return Header{line.substr(0, colon), Trim(line.substr(colon + 1))};
}

// "HTTP/1.1 200", "HTTP/1.1 200 " and "HTTP/1.1 200 OK" are all status lines.
bool ParseStatusLine(std::string_view line, ResponseHead& head) {
  constexpr std::size_t kCodeAt = kVersionPrefix.size() + 2;
  if (line.size() < kCodeAt + 3 || line[kCodeAt - 1] != ' ') return false;
  const char minor = line[kVersionPrefix.size()];
  const std::optional<int> code = Decimal<int>(line.substr(kCodeAt, 3));
  if (minor < '0' || minor > '9' || !code || *code < 100) return false;
  std::string_view reason = line.substr(kCodeAt + 3);
  if (!reason.empty() && reason.front() != ' ') return false;
  head.status = *code;
  head.reason = Trim(reason);
  return true;
}

bool ParseRequestLine(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last <= first + 1) return false;
  const std::string_view version = line.substr(last + 1);
  if (version.size() != kVersionPrefix.size() + 1 || !version.starts_with(kVersionPrefix)) {
    return false;
  }
  if (version.back() < '0' || version.back() > '9') return false;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  head.minor_version = version.back() - '0';
  return true;
}

// The fields that both heads share; false with `why` set when one cannot be right.
template <class Head>
bool ParseLength(const Header& header, Head& head, std::string& why) {
  if (!EqualIgnoringCase(header.name, "Content-Length")) return true;
  const auto length = Decimal<std::uint64_t>(header.value);
  if (!length || (head.content_length && *head.content_length != *length)) {
    why = "a Content-Length that is no number of 64 bits";
    return false;
  }
  head.content_length = length;
  return true;
}

// One walk for both heads: the first line by `start`, the rest as headers by `field`.
template <class Parsed, class Start, class Field>
Parsed ParseHead(std::string_view text, std::string_view what, Start start, Field field) {
  Parsed result;
  bool first = true;
  result.size = ForEachLine(text, result.why, [&](std::string_view line) {
    if (first) {
      first = false;
      if (start(line, result.head)) return true;
      result.why = "no HTTP/1.x " + std::string(what);
      return false;
    }
    const std::optional<Header> header = SplitHeader(line);
    if (!header) {
      result.why = "an HTTP header without a name";
      return false;
    }
    field(*header, result.head);
    return ParseLength(*header, result.head, result.why);
  });
  if (result.size > 0 && first) {
    result.size = 0;
    result.why = "an empty HTTP head";
  }
  if (!result.why.empty()) result.state = ParseState::kBad;
  if (result.size > 0) result.state = ParseState::kParsed;
  return result;
}

}  // namespace

std::string FormatGuid(const std::array<std::uint8_t, 16>& bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text = "{";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text + "}";
}

std::string BuildPost(const PostRequest& request) {
  std::string text(kMethod);
  text += " " + request.path + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
  if (!request.correlation_id.empty()) {
    text += "SSTPCORRELATIONID: " + request.correlation_id + "\r\n";
  }
  return text + "Content-Length: " + std::to_string(kEndless) + "\r\n\r\n";
}

std::string BuildResponse(const ResponseText& response) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " + response.reason + "\r\n";
  text += "Content-Length: " + std::to_string(response.content_length) + "\r\n";
  text += response.before_server;
  if (!response.server.empty()) text += "Server: " + response.server + "\r\n";
  return text + response.after_server + "\r\n";
}

ResponseResult ParseResponse(ByteView buffered) {
  const std::string_view text = AsText(buffered);
  const std::size_t known = std::min(text.size(), kVersionPrefix.size());
  if (text.substr(0, known) != kVersionPrefix.substr(0, known)) {
    return {ParseState::kBad, {}, 0, "no HTTP/1.x answer"};
  }
  return ParseHead<ResponseResult>(text, "answer", ParseStatusLine,
                                   [](const Header& header, ResponseHead& head) {
                                     if (EqualIgnoringCase(header.name, "Server")) {
                                       head.server = header.value;
                                     }
                                   });
}

RequestResult ParseRequest(ByteView buffered) {
  return ParseHead<RequestResult>(AsText(buffered), "request", ParseRequestLine,
                                  [](const Header& header, RequestHead& head) {
                                    if (EqualIgnoringCase(header.name, "Host"))
                                      head.host = header.value;
                                    if (EqualIgnoringCase(header.name, "SSTPCORRELATIONID")) {
                                      head.correlation_id = header.value;
                                    }
                                  });
}

}  // namespace sstplb::sstp
