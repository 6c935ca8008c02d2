// Time and size: what people write, and that what the program writes reads back the same.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/time.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace sstplb {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Duration kDay = hours(24);

TEST(Time, ParseDuration) {
  const struct {
    const char* text;
    std::optional<Duration> expected;
  } cases[] = {
      // text     duration
      {"0s", seconds(0)},
      {"500ms", milliseconds(500)},
      {"1.5s", milliseconds(1500)},
      {".5s", milliseconds(500)},
      {"15m", minutes(15)},
      {"2h", hours(2)},
      {"21d", 21 * kDay},
      {"1h30m", minutes(90)},
      {"1d2h3m4s5ms6us7ns", kDay + hours(2) + minutes(3) + seconds(4) + milliseconds(5) +
                                microseconds(6) + nanoseconds(7)},
      {"104000d", 104000 * kDay},
      // Nothing, or no unit.
      {"", std::nullopt},
      {"0", std::nullopt},
      {"30", std::nullopt},
      {"s", std::nullopt},
      {"1h30", std::nullopt},
      // Units: unknown, twice, or in the wrong order.
      {"1w", std::nullopt},
      {"1S", std::nullopt},
      {"1s1s", std::nullopt},
      {"30m1h", std::nullopt},
      // Signs, spaces and numbers that are none.
      {"-1s", std::nullopt},
      {"+1s", std::nullopt},
      {" 1s", std::nullopt},
      {"1 s", std::nullopt},
      {"1s ", std::nullopt},
      {"1.2.3s", std::nullopt},
      {".s", std::nullopt},
      {"1e3s", std::nullopt},
      {"infs", std::nullopt},
      {"0x10s", std::nullopt},
      // Too large for 64 bits of nanoseconds, in one part or in sum.
      {"110000d", std::nullopt},
      {"106751d23h60m", std::nullopt},
      {"104000d99999h999999m9999999999s", std::nullopt},
      {"99999999999999999999999999h", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseDuration(c.text), c.expected) << '"' << c.text << '"';
  std::string digits(400, '9');
  digits += 's';
  EXPECT_EQ(ParseDuration(digits), std::nullopt);
  EXPECT_EQ(ParseDuration(std::string_view("1s\0", 3)), std::nullopt);
}

TEST(Time, ExactDurationReadsBackTheSame) {
  const std::int64_t counts[] = {0,
                                 1,
                                 999,
                                 1000,
                                 1000001,
                                 1500000000,
                                 86400000000000,
                                 86399999999999,
                                 (std::int64_t{1} << 53) + 1,  // what a double cannot hold
                                 200 * 86400000000000 + 1,
                                 8999999999999999999};
  for (const std::int64_t count : counts) {
    const Duration duration(count);
    EXPECT_EQ(ParseDuration(ExactDuration(duration)), duration) << ExactDuration(duration);
  }
  EXPECT_EQ(ExactDuration(seconds(0)), "0s");
  EXPECT_EQ(ExactDuration(minutes(90)), "1h30m");
  EXPECT_EQ(ExactDuration(milliseconds(1500)), "1s500ms");
}

TEST(Time, FormatDuration) {
  const struct {
    Duration duration;
    const char* expected;
  } cases[] = {
      {nanoseconds(0), "0us"},
      {microseconds(250), "250us"},
      {microseconds(1500), "1.5ms"},
      {milliseconds(41), "41ms"},
      {milliseconds(3000), "3.0s"},
      {seconds(59), "59.0s"},
      {seconds(60), "1m"},
      {hours(3) + minutes(12) + seconds(4), "3h12m4s"},
      {2 * kDay + hours(4) + seconds(9), "2d4h"},
  };
  for (const auto& c : cases) EXPECT_EQ(FormatDuration(c.duration), c.expected);
}

TEST(Time, ParseSize) {
  const struct {
    const char* text;
    std::optional<std::uint64_t> expected;
  } cases[] = {
      {"0", 0},
      {"4096", 4096},
      {"16B", 16},
      {"16KiB", 16384},
      {"1.5KiB", 1536},
      {"1MiB", 1048576},
      {"2GiB", 2147483648},
      {"16kB", 16000},
      {"3MB", 3000000},
      {"1GB", 1000000000},
      {"", std::nullopt},
      {"KiB", std::nullopt},
      {"-1", std::nullopt},
      {"1 KiB", std::nullopt},
      {"1K", std::nullopt},
      {"1kib", std::nullopt},
      {"0.3B", std::nullopt},
      {"1KiB1B", std::nullopt},
      {"99999999999GiB", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseSize(c.text), c.expected) << '"' << c.text << '"';
}

TEST(Time, ExactSizeReadsBackTheSame) {
  const std::uint64_t sizes[] = {0,     1,          1000,        1023,          1024,
                                 64000, 64u * 1024, 5368709120u, 1234567890123, 9000000000000000};
  for (const std::uint64_t size : sizes) EXPECT_EQ(ParseSize(ExactSize(size)), size) << size;
  EXPECT_EQ(ExactSize(65536), "64KiB");
  EXPECT_EQ(ExactSize(1025), "1025");
}

TEST(Time, FormatSize) {
  EXPECT_EQ(FormatSize(0), "0 B");
  EXPECT_EQ(FormatSize(1023), "1023 B");
  EXPECT_EQ(FormatSize(1536), "1.5 KiB");
  EXPECT_EQ(FormatSize(3u << 20), "3.0 MiB");
  EXPECT_EQ(FormatSize(1503238553), "1.4 GiB");
}

TEST(Time, FormatWallTime) {
  EXPECT_EQ(FormatWallTime(WallTime()), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatWallTime(WallTime(milliseconds(1795323894123))), "2026-11-22T05:04:54.123Z");
  EXPECT_EQ(FormatWallTime(WallTime(microseconds(1999))), "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(FormatWallTime(WallTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace sstplb
