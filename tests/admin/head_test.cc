// InspectHead: how many bytes of a request the library may see, and what it never sees.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb::admin {
namespace {

const std::string kLine = "GET /api/v1/status HTTP/1.1\r\n";

int StatusOf(const HeadVerdict& verdict) {
  if (std::holds_alternative<NeedMore>(verdict)) return 0;
  const Response* refusal = std::get_if<Response>(&verdict);
  return refusal != nullptr ? refusal->status : 200;
}

TEST(InspectHeadTest, EveryPrefixOfAHeadNeedsMore) {
  const std::string whole = kLine + "Host: localhost\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(StatusOf(InspectHead(whole.substr(0, size))), 0) << size;
  }
  const HeadVerdict verdict = InspectHead(whole + "{}x");
  const Head* head = std::get_if<Head>(&verdict);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->size, whole.size());
  EXPECT_EQ(head->body_size, 3u);
  EXPECT_EQ(head->text, whole);
}

TEST(InspectHeadTest, WithoutALengthThereIsNoBody) {
  const HeadVerdict verdict = InspectHead("POST /api/v1/reload HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(std::holds_alternative<Head>(verdict));
  EXPECT_EQ(std::get<Head>(verdict).body_size, 0u);
}

TEST(InspectHeadTest, RangesAreNotPassedOn) {
  const HeadVerdict verdict =
      InspectHead(kLine + "Host: a\r\nRANGE: bytes=0-1,2-3\r\nAccept: */*\r\n\r\n");
  ASSERT_TRUE(std::holds_alternative<Head>(verdict));
  EXPECT_EQ(std::get<Head>(verdict).text, kLine + "Host: a\r\nAccept: */*\r\n\r\n");
}

TEST(InspectHeadTest, Refusals) {
  const struct {
    std::string what;
    std::string headers;
    int status;
  } kCases[] = {
      {"a body of a length to be found out", "Transfer-Encoding: chunked\r\n", 411},
      {"the same in other letters", "transfer-ENCODING: gzip, chunked\r\n", 411},
      {"a packed body", "Content-Encoding: gzip\r\n", 415},
      {"a large body", "Content-Length: 65537\r\n", 413},
      {"a body larger than a number", "Content-Length: 99999999999999999999999\r\n", 413},
      {"two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n", 400},
      {"a signed length", "Content-Length: +3\r\n", 400},
      {"a negative length", "Content-Length: -3\r\n", 400},
      {"an empty length", "Content-Length:\r\n", 400},
      {"a list of lengths", "Content-Length: 3, 3\r\n", 400},
      {"a blank before the colon", "Content-Length : 3\r\n", 400},
      {"a folded line", "X-A: 1\r\n Content-Length: 3\r\n", 400},
      {"no colon", "Hello\r\n", 400},
      {"no name", ": x\r\n", 400},
      {"a bare line feed", "X-A: 1\nX-B: 2\r\n", 400},
      {"a NUL", std::string("X-A: \0\r\n", 8), 400},
      {"fine", "Content-Length: 65536\r\n", 200},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(StatusOf(InspectHead(kLine + c.headers + "\r\n")), c.status) << c.what;
  }
}

TEST(InspectHeadTest, IsBounded) {
  EXPECT_EQ(StatusOf(InspectHead(std::string(kMaxHead - 1, 'a'))), 0);
  EXPECT_EQ(StatusOf(InspectHead(std::string(kMaxHead, 'a'))), 431);
  EXPECT_EQ(StatusOf(InspectHead("GET /" + std::string(kMaxTarget, 'a') + " HTTP/1.1\r\n\r\n")),
            414);
}

TEST(RenderTest, IsAWholeAnswer) {
  const std::string text = Render(ErrorResponse(413, "too_large", "no"));
  EXPECT_THAT(text, ::testing::StartsWith("HTTP/1.1 413 Payload Too Large\r\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(text, ::testing::HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(text, ::testing::EndsWith(
                        "\r\n\r\n{\"error\":{\"code\":\"too_large\",\"message\":\"no\"}}\n"));
}

}  // namespace
}  // namespace sstplb::admin
