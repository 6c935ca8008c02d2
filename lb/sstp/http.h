// The HTTP that opens an SSTP connection: one request head and one response head, built and read.
// Pure and bounded. The length of 2^64-1 in both is part of SSTP (MS-SSTP 3.2.4.1, 3.3.7.2): it
// says that the stream never ends, and does not fit a signed number.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "lb/base/bytes.h"
#include "lb/sstp/message.h"

namespace sstplb::sstp {

inline constexpr std::string_view kPath = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";
inline constexpr std::string_view kMethod = "SSTP_DUPLEX_POST";
inline constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t kMaxHeadSize = 8 * 1024;

// "{01020304-0506-0708-090A-0B0C0D0E0F10}", the bytes in the order given.
std::string FormatGuid(const std::array<std::uint8_t, 16>& bytes);

struct PostRequest {
  std::string host;            // the Host header, as the client knows the server
  std::string correlation_id;  // from FormatGuid(); "" leaves the header out
  std::string path{kPath};
};

// None of the texts may hold CR or LF.
std::string BuildPost(const PostRequest& request);

struct ResponseText {
  int status = 200;
  std::string reason = "OK";  // may be empty: some servers send "HTTP/1.1 200 "
  std::string server;         // "" leaves the header out
  std::uint64_t content_length = kEndless;
  std::string before_server;  // further header lines, each with its CRLF
  std::string after_server;
};

std::string BuildResponse(const ResponseText& response);

// A response head as far as SSTP cares.
struct ResponseHead {
  int status = 0;      // 100..999
  std::string reason;  // as sent, perhaps empty
  std::string server;  // perhaps empty
  std::optional<std::uint64_t> content_length;
};

struct ResponseResult {
  ParseState state = ParseState::kNeedMore;
  ResponseHead head;     // when kParsed
  std::size_t size = 0;  // when kParsed: the bytes of the head, the empty line included
  std::string why;       // when kBad
};

// Looks at the front of a buffer. kBad as soon as the bytes cannot become a head: not HTTP/1.x, a
// control character in it, a length that does not fit 64 bits, more than kMaxHeadSize.
ResponseResult ParseResponse(ByteView buffered);

struct RequestHead {
  std::string method;
  std::string target;
  int minor_version = 1;  // of HTTP/1.x
  std::string host;
  std::string correlation_id;
  std::optional<std::uint64_t> content_length;
};

struct RequestResult {
  ParseState state = ParseState::kNeedMore;
  RequestHead head;
  std::size_t size = 0;
  std::string why;
};

// As ParseResponse(), for what a client sends.
RequestResult ParseRequest(ByteView buffered);

}  // namespace sstplb::sstp
