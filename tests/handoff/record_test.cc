// Records that are longer, shorter and broken.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/record.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

namespace sstplb::handoff {
namespace {

using std::chrono::nanoseconds;

const SocketAddress kV4 = *SocketAddress::Parse("192.0.2.1:443");
const SocketAddress kV6 = *SocketAddress::Parse("[2001:db8::7]:65535");
const TimePoint kTime{nanoseconds(123456789)};
const WallTime kWall{std::chrono::seconds(1795325694)};
const Duration kSpan = std::chrono::hours(24 * 365);

// One field of each kind; the sizes after each of them.
Bytes Everything(std::set<std::size_t>* ends = nullptr) {
  Bytes out;
  {
    RecordWriter record(out);
    const auto note = [&] {
      if (ends != nullptr) ends->insert(out.size());
    };
    note();
    record.U8(0xfe), note();
    record.U16(0xfedc), note();
    record.U32(0xfedcba98), note();
    record.U64(0xfedcba9876543210), note();
    record.String("a word"), note();
    record.String(""), note();
    record.Address(kV4), note();
    record.Address(kV6), note();
    record.Address(std::nullopt), note();
    record.Time(kTime), note();
    record.Wall(kWall), note();
    record.Span(kSpan), note();
  }
  return out;
}

// Reads all of it; whether the reader is content.
bool ReadEverything(RecordReader& in) {
  in.U8(), in.U16(), in.U32(), in.U64(), in.Text(), in.Text();
  in.Address(), in.Address(), in.Address(), in.Time(), in.Wall(), in.Span();
  return in.ok();
}

TEST(Record, EveryFieldComesBack) {
  const Bytes body = Everything();
  Reader reader(body);
  auto in = RecordReader::Next(reader);
  ASSERT_TRUE(in);
  EXPECT_TRUE(reader.empty());
  EXPECT_EQ(in->U8(), 0xfe);
  EXPECT_EQ(in->U16(), 0xfedc);
  EXPECT_EQ(in->U32(), 0xfedcba98);
  EXPECT_EQ(in->U64(), 0xfedcba9876543210);
  EXPECT_EQ(in->Text(), "a word");
  EXPECT_EQ(in->Text(), "");
  EXPECT_EQ(in->Address(), kV4);
  EXPECT_EQ(in->Address(), kV6);
  EXPECT_EQ(in->Address(), std::nullopt);
  EXPECT_EQ(in->Time(), kTime);
  EXPECT_EQ(in->Wall(), kWall);
  EXPECT_EQ(in->Span(), kSpan);
  EXPECT_TRUE(in->ok());
}

TEST(Record, WhatIsLongerThanTheReaderKnowsIsSkipped) {
  Bytes body = Everything();
  { RecordWriter(body).U8(7); }
  Reader reader(body);
  auto first = RecordReader::Next(reader);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->U8(), 0xfe);
  EXPECT_TRUE(first->ok());
  auto second = RecordReader::Next(reader);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->U8(), 7);
  EXPECT_FALSE(RecordReader::Next(reader));
}

TEST(Record, WhatIsMissingIsZeroOrEmpty) {
  Bytes body;
  { RecordWriter record(body); }
  Reader reader(body);
  auto in = RecordReader::Next(reader);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->U8(), 0);
  EXPECT_EQ(in->U16(), 0);
  EXPECT_EQ(in->U32(), 0u);
  EXPECT_EQ(in->U64(), 0u);
  EXPECT_EQ(in->Text(), "");
  EXPECT_EQ(in->Address(), std::nullopt);
  EXPECT_EQ(in->Time(), TimePoint());
  EXPECT_EQ(in->Wall(), WallTime());
  EXPECT_EQ(in->Span(), Duration());
  EXPECT_TRUE(in->ok());
}

TEST(Record, OneThatEndsInsideAFieldIsNotOkAndOneThatEndsBetweenTwoIs) {
  std::set<std::size_t> ends;
  const Bytes body = Everything(&ends);
  for (std::size_t size = 4; size <= body.size(); ++size) {
    RecordReader in(ByteView(body).subspan(4, size - 4));
    EXPECT_EQ(ReadEverything(in), ends.contains(size)) << size;
  }
}

TEST(Record, NothingIsReadBehindAFieldThatIsBroken) {
  const Bytes fields = {9, 1, 2, 3, 4, 0, 0, 5};  // an address of no family
  RecordReader in(fields);
  EXPECT_EQ(in.Address(), std::nullopt);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0);
  EXPECT_FALSE(in.ok());
}

TEST(Record, ASizeBeyondTheBodyIsNoRecord) {
  for (const Bytes& body : {Bytes{}, Bytes{0, 0, 0}, Bytes{0, 0, 0, 2, 1}, Bytes(4, 0xff)}) {
    Reader reader(body);
    EXPECT_FALSE(RecordReader::Next(reader));
  }
}

TEST(Record, AStringThatSaysItIsLargerThanItsRecordIsBroken) {
  const Bytes fields = {0xff, 0xff, 0xff, 0xff, 'a'};
  RecordReader in(fields);
  EXPECT_TRUE(in.String().empty());
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace sstplb::handoff
