// The log: one line per event whatever the bytes, and files that can be rotated.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "lb/base/journal.h"

namespace sstplb {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

std::string Logfmt(std::string_view value) {
  const LogField fields[] = {{"k", value}};
  return FormatLogfmt("e", fields);
}

std::string Json(std::string_view value) {
  const LogField fields[] = {{"k", value}};
  return FormatJson(WallTime(), LogLevel::kInfo, "e", fields);
}

TEST(Log, LogfmtValues) {
  const struct {
    std::string_view value;
    const char* line;
  } cases[] = {
      {"vpn.example.com", "e k=vpn.example.com"},
      {"[2001:db8::1]:443", "e k=[2001:db8::1]:443"},
      {"0.3/0.4", "e k=0.3/0.4"},
      {"", "e k=\"\""},
      {"two words", "e k=\"two words\""},
      {"a=b", "e k=\"a=b\""},
      {"say \"hi\"", "e k=\"say \\\"hi\\\"\""},
      {"c:\\x y", "e k=\"c:\\\\x y\""},
      {"a\nb", "e k=\"a\\x0ab\""},
      {"a\r\n2026 info forged", "e k=\"a\\x0d\\x0a2026 info forged\""},
      {std::string_view("\0", 1), "e k=\"\\x00\""},
      {"\x1b[2J", "e k=\"\\x1b[2J\""},
      {"\x7f", "e k=\"\\x7f\""},
      {"caf\xc3\xa9", "e k=\"caf\\xc3\\xa9\""},
      {"\xff\xfe", "e k=\"\\xff\\xfe\""},
  };
  for (const auto& c : cases) EXPECT_EQ(Logfmt(c.value), c.line);
}

TEST(Log, LogfmtLine) {
  const LogField fields[] = {{"id", "7f"}, {"bytes", 12345678901}, {"code", std::uint8_t{7}}};
  EXPECT_EQ(FormatLogfmt("session close", fields), "session close id=7f bytes=12345678901 code=7");
  EXPECT_EQ(FormatLogfmt("started", {}), "started");
}

TEST(Log, JournalFieldsKeepTheirValuesAsTheyAre) {
  const LogField fields[] = {{"to_backend", "7"}, {"sni", "a\nb=\"c\""}, {"Odd key-1", ""}};
  EXPECT_THAT(JournalFields(LogLevel::kWarning, "the line", "session close", fields),
              ElementsAre("MESSAGE=the line", "PRIORITY=4", "SYSLOG_IDENTIFIER=sstplb",
                          "SSTPLB_EVENT=session close", "SSTPLB_TO_BACKEND=7",
                          "SSTPLB_SNI=a\nb=\"c\"", "SSTPLB_ODD_KEY_1="));
}

TEST(Log, JsonLine) {
  EXPECT_EQ(Json("v"), R"({"time":"1970-01-01T00:00:00.000Z","level":"info","event":"e","k":"v"})");
  EXPECT_THAT(Json("a\"b\\c\n"), HasSubstr(R"("k":"a\"b\\c\n"})"));
  EXPECT_THAT(Json("\xff"), HasSubstr(R"("k":"\ufffd"})"));
  EXPECT_THAT(Json("\xc2\x9b"), HasSubstr(R"("k":"\u009b"})"));  // a terminal's CSI
}

TEST(Log, EveryByteStaysInOnePrintableLine) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::string& tail : {std::string(), std::string("\x80"), std::string("\n")}) {
      const std::string value = std::string(1, static_cast<char>(byte)) + tail;
      for (const std::string& line : {Logfmt(value), Json(value)}) {
        const bool printable =
            std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7f; });
        EXPECT_TRUE(printable) << "byte " << byte << ": " << line;
      }
    }
  }
}

class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::string name = (fs::temp_directory_path() / "sstplb-log-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.target = (folder_ / "log").string();
  }
  ~LogFile() override { fs::remove_all(folder_); }

  std::vector<std::string> Lines(const std::string& name) const {
    std::ifstream in(folder_ / name);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  fs::path folder_;
  LogOptions options_;
};

TEST_F(LogFile, LinesHaveTimeAndLevel) {
  auto log = Logger::Open(options_);
  ASSERT_TRUE(log.ok());
  (*log)->Write(LogLevel::kDebug, "hidden", {});
  (*log)->Write(LogLevel::kInfo, "started", {{"pid", 7}});
  (*log)->Write(LogLevel::kWarning, "odd", {});
  (*log)->Write(LogLevel::kError, "bad {} %s", {});  // no format string, whatever it looks like
  const std::string time = "20..-..-..T..:..:..\\....Z ";
  EXPECT_THAT(Lines("log"), ElementsAre(MatchesRegex(time + "info started pid=7"),
                                        MatchesRegex(time + "warning odd"),
                                        MatchesRegex(time + "error bad \\{\\} %s")));
}

TEST_F(LogFile, JsonLinesAreBare) {
  options_.format = LogFormat::kJson;
  auto log = Logger::Open(options_);
  ASSERT_TRUE(log.ok());
  (*log)->Write(LogLevel::kInfo, "started", {{"pid", 7}});
  EXPECT_THAT(Lines("log"),
              ElementsAre(MatchesRegex(
                  R"(\{"time":"20.*Z","level":"info","event":"started","pid":"7"\})")));
}

TEST_F(LogFile, ReopenFollowsARotation) {
  auto log = Logger::Open(options_);
  ASSERT_TRUE(log.ok());
  (*log)->Write(LogLevel::kInfo, "before", {});
  fs::rename(folder_ / "log", folder_ / "log.1");
  (*log)->Write(LogLevel::kInfo, "between", {});
  (*log)->Reopen();
  (*log)->Write(LogLevel::kInfo, "after", {});
  EXPECT_THAT(Lines("log.1"), ElementsAre(HasSubstr("info before"), HasSubstr("info between")));
  EXPECT_THAT(Lines("log"), ElementsAre(HasSubstr("info after")));
}

TEST_F(LogFile, ReopenThatFailsKeepsTheOldFile) {
  auto log = Logger::Open(options_);
  ASSERT_TRUE(log.ok());
  fs::rename(folder_ / "log", folder_ / "log.1");
  fs::create_directory(folder_ / "log");
  (*log)->Reopen();
  (*log)->Write(LogLevel::kInfo, "still here", {});
  EXPECT_THAT(Lines("log.1"), ElementsAre(HasSubstr("still here")));
}

TEST_F(LogFile, WritersAndRotationDoNotMixLines) {
  auto log = Logger::Open(options_);
  ASSERT_TRUE(log.ok());
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < 100; ++n) (*log)->Write(LogLevel::kInfo, "line", {{"n", n}});
    });
  }
  for (int i = 0; i < 10; ++i) (*log)->Reopen();
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(Lines("log"), SizeIs(300));
}

TEST_F(LogFile, WhatCannotBeOpenedIsAnErrorWithAdvice) {
  fs::create_directory(folder_ / "log");
  const auto log = Logger::Open(options_);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(log.error().message, HasSubstr("log.target: cannot open " + options_.target));
  EXPECT_THAT(log.error().message, HasSubstr("choose a writable path"));
}

TEST(Log, EventsReachTheListenerWhateverTheLevel) {
  const auto log = Logger::Null();
  std::vector<std::string> heard;
  log->SetListener([&](LogLevel level, std::string_view what, std::span<const LogField> fields) {
    heard.push_back(std::string(ToString(level)) + " " + FormatLogfmt(what, fields));
  });
  log->Write(LogLevel::kError, "only the log", {});
  log->Event(LogLevel::kInfo, "backend", {{"went", "down"}});
  EXPECT_THAT(heard, ElementsAre("info backend went=down"));
}

}  // namespace
}  // namespace sstplb
