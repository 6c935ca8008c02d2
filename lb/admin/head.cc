// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/head.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sstplb::admin {
namespace {

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// Digits only: "+5", "5, 5" and "" are no lengths.
std::optional<std::size_t> ParseLength(std::string_view text) {
  std::size_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc::result_out_of_range) return kMaxBody + 1;
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// A NUL, or a line that does not end in CRLF.
bool HasStrayControl(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\0') return true;
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return true;
  }
  return false;
}

// Folds the header lines into the head.
class HeaderScan {
 public:
  // Returns a refusal, or nullopt when the line is fine.
  std::optional<Response> Line(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, std::min(colon, line.size()));
    if (colon == std::string_view::npos || colon == 0 || Trim(name) != name) {
      return ErrorResponse(400, "invalid", "a header line is malformed");
    }
    if (EqualsIgnoringCase(name, "Content-Length")) return Length(Trim(line.substr(colon + 1)));
    if (EqualsIgnoringCase(name, "Transfer-Encoding")) {
      return ErrorResponse(411, "length_required", "send the body with a Content-Length");
    }
    if (EqualsIgnoringCase(name, "Content-Encoding")) {
      return ErrorResponse(415, "unsupported_media_type", "send the body uncompressed");
    }
    return std::nullopt;
  }

  std::size_t body_size() const { return length_.value_or(0); }

 private:
  std::optional<Response> Length(std::string_view text) {
    const std::optional<std::size_t> length = ParseLength(text);
    if (!length || length_) return ErrorResponse(400, "invalid", "Content-Length is malformed");
    if (*length > kMaxBody) {
      return ErrorResponse(413, "too_large", "a body may have 64 KiB at most");
    }
    length_ = length;
    return std::nullopt;
  }

  std::optional<std::size_t> length_;
};

std::string_view Reason(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 411:
      return "Length Required";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Error";
  }
}

}  // namespace

HeadVerdict InspectHead(std::string_view input) {
  const std::size_t end = input.substr(0, kMaxHead).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() < kMaxHead) return NeedMore{};
    return ErrorResponse(431, "too_large", "the header is longer than 16 KiB");
  }
  const std::string_view head = input.substr(0, end + 2);  // every line with its CRLF
  if (HasStrayControl(head)) return ErrorResponse(400, "invalid", "the header is malformed");

  Head out;
  HeaderScan scan;
  std::size_t at = head.find("\r\n") + 2;
  if (at > kMaxTarget) return ErrorResponse(414, "too_large", "the URL is too long");
  out.text = head.substr(0, at);
  while (at < head.size()) {
    const std::size_t next = head.find("\r\n", at) + 2;
    const std::string_view line = head.substr(at, next - at - 2);
    if (auto refusal = scan.Line(line)) return *std::move(refusal);
    // Ranges are never honoured here, which a server may do (RFC 9110, section 14.2).
    if (!EqualsIgnoringCase(line.substr(0, line.find(':')), "Range")) {
      out.text += head.substr(at, next - at);
    }
    at = next;
  }
  out.text += "\r\n";
  out.size = end + 4;
  out.body_size = scan.body_size();
  return out;
}

std::string Render(const Response& response) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += std::string(Reason(response.status)) + "\r\n";
  const auto header = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& [name, value] : StandardHeaders()) header(name, value);
  for (const auto& [name, value] : response.headers) header(name, value);
  header("Content-Type", response.content_type);
  header("Content-Length", std::to_string(response.body.size()));
  header("Connection", "close");
  return out + "\r\n" + response.body;
}

}  // namespace sstplb::admin
