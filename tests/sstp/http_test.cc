// The opening HTTP: what real servers answer and what must be refused.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/sstp/http.h"

#include <gtest/gtest.h>

namespace sstplb::sstp {
namespace {

TEST(SstpHttp, ThePostIsTheOneThatAllServersTake) {
  EXPECT_EQ(BuildPost({"vpn.sstp.test", "{01020304-0506-0708-090A-0B0C0D0E0F10}"}),
            "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
            "Host: vpn.sstp.test\r\n"
            "SSTPCORRELATIONID: {01020304-0506-0708-090A-0B0C0D0E0F10}\r\n"
            "Content-Length: 18446744073709551615\r\n"
            "\r\n");
  EXPECT_EQ(FormatGuid({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
            "{01020304-0506-0708-090A-0B0C0D0E0F10}");
}

TEST(SstpHttp, APostIsReadBack) {
  const std::string text = BuildPost({"a.test", "{X}", "/sra/?tenantid=1"});
  const RequestResult result = ParseRequest(AsBytes(text + "more"));
  ASSERT_EQ(result.state, ParseState::kParsed);
  EXPECT_EQ(result.size, text.size());
  EXPECT_EQ(result.head.method, kMethod);
  EXPECT_EQ(result.head.target, "/sra/?tenantid=1");
  EXPECT_EQ(result.head.minor_version, 1);
  EXPECT_EQ(result.head.host, "a.test");
  EXPECT_EQ(result.head.correlation_id, "{X}");
  EXPECT_EQ(result.head.content_length, kEndless);
}

struct Answer {
  const char* heading;
  std::string text;
  int status;
  const char* reason;
};

const Answer kAnswers[] = {
    {"built here", BuildResponse({}), 200, "OK"},
    {"empty reason, with its blank", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, ""},
    {"empty reason, without a blank", "HTTP/1.1 200\r\n\r\n", 200, ""},
    {"several words", "HTTP/1.1 501 Method Not Implemented\r\n\r\n", 501, "Method Not Implemented"},
    {"HTTP/1.0", "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\n", 404, "Not Found"},
    {"bare line feeds", "HTTP/1.1 200 OK\nServer: x\n\n", 200, "OK"},
};

TEST(SstpHttp, AnswersAreRead) {
  for (const Answer& answer : kAnswers) {
    SCOPED_TRACE(answer.heading);
    const ResponseResult result = ParseResponse(AsBytes(answer.text + "\x10\x01"));
    ASSERT_EQ(result.state, ParseState::kParsed) << result.why;
    EXPECT_EQ(result.head.status, answer.status);
    EXPECT_EQ(result.head.reason, answer.reason);
    EXPECT_EQ(result.size, answer.text.size());
  }
}

TEST(SstpHttp, EveryStrictPrefixNeedsMore) {
  for (const Answer& answer : kAnswers) {
    for (std::size_t size = 0; size < answer.text.size(); ++size) {
      EXPECT_EQ(ParseResponse(AsBytes(std::string_view(answer.text).substr(0, size))).state,
                ParseState::kNeedMore)
          << answer.heading << " " << size;
    }
  }
}

TEST(SstpHttp, HeadersAreFoundInAnyCase) {
  const ResponseResult result =
      ParseResponse(AsBytes("HTTP/1.1 200 OK\r\nSERVER:  Microsoft-HTTPAPI/2.0 \r\n"
                            "content-length: 18446744073709551615\r\n\r\n"));
  ASSERT_EQ(result.state, ParseState::kParsed);
  EXPECT_EQ(result.head.server, "Microsoft-HTTPAPI/2.0");
  EXPECT_EQ(result.head.content_length, kEndless);
}

TEST(SstpHttp, BadAnswersAreRefused) {
  const std::pair<const char*, std::string> table[] = {
      {"not HTTP, seen at its first byte", "S"},
      {"HTTP/2", "HTTP/2 200\r\n\r\n"},
      {"no status", "HTTP/1.1\r\n\r\n"},
      {"status of two digits", "HTTP/1.1 20\r\n\r\n"},
      {"status of four digits", "HTTP/1.1 2000\r\n\r\n"},
      {"negative status", "HTTP/1.1 -20\r\n\r\n"},
      {"a length of 65 bits", "HTTP/1.1 200\r\nContent-Length: 18446744073709551616\r\n\r\n"},
      {"a negative length", "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n"},
      {"two lengths", "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {"a NUL", std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20)},
      {"a header without a colon", "HTTP/1.1 200 OK\r\nServer\r\n\r\n"},
  };
  for (const auto& [heading, text] : table) {
    const ResponseResult result = ParseResponse(AsBytes(text));
    EXPECT_EQ(result.state, ParseState::kBad) << heading;
    EXPECT_FALSE(result.why.empty()) << heading;
  }
}

TEST(SstpHttp, AHeadWithoutEndIsRefused) {
  std::string line = "HTTP/1.1 200 OK\r\nA: ";
  line.append(kMaxHeadSize, 'a');
  EXPECT_EQ(ParseResponse(AsBytes(line)).state, ParseState::kBad);

  std::string lines = "HTTP/1.1 200 OK\r\n";
  while (lines.size() < kMaxHeadSize) lines += "a: b\r\n";
  EXPECT_EQ(ParseResponse(AsBytes(lines)).state, ParseState::kBad);
}

TEST(SstpHttp, BadRequestsAreRefused) {
  for (const char* text : {"\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", " / HTTP/1.1\r\n\r\n",
                           "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "\x16\x03\x01\n"}) {
    EXPECT_EQ(ParseRequest(AsBytes(text)).state, ParseState::kBad) << text;
  }
}

}  // namespace
}  // namespace sstplb::sstp
