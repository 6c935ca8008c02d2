// Reader and Writer: all or nothing at every boundary.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sstplb {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

TEST(Reader, IntegersAreBigEndian) {
  const Bytes data = {1, 2, 3, 4, 5, 6, 0xff, 0xfe, 0xfd, 0xfc};
  Reader reader(data);
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u24 = 0;
  std::uint32_t u32 = 0;
  ASSERT_TRUE(reader.U8(u8) && reader.U16(u16) && reader.U24(u24) && reader.U32(u32));
  EXPECT_EQ(u8, 1u);
  EXPECT_EQ(u16, 0x0203u);
  EXPECT_EQ(u24, 0x040506u);
  EXPECT_EQ(u32, 0xfffefdfcu);
  EXPECT_TRUE(reader.empty());
}

TEST(Reader, WhatIsTooShortTakesNothing) {
  for (std::size_t size = 0; size < 4; ++size) {
    const Bytes data(size, 7);
    Reader reader(data);
    std::uint8_t u8 = 99;
    std::uint16_t u16 = 99;
    std::uint32_t u32 = 99;
    ByteView view;
    EXPECT_FALSE(reader.U32(u32));
    EXPECT_EQ(reader.U24(u32), size >= 3);
    reader = Reader(data);
    EXPECT_EQ(reader.U16(u16), size >= 2);
    reader = Reader(data);
    EXPECT_EQ(reader.U8(u8), size >= 1);
    reader = Reader(data);
    EXPECT_FALSE(reader.Take(size + 1, view));
    EXPECT_FALSE(reader.Skip(SIZE_MAX));
    EXPECT_EQ(reader.left(), size);  // every failure left it where it was
    EXPECT_TRUE(reader.Take(size, view));
    EXPECT_EQ(view.size(), size);
    EXPECT_TRUE(reader.empty());
  }
}

TEST(Reader, VectorsTakeTheirLengthAndTheirBytes) {
  const Bytes data = {2, 10, 11, 0, 1, 12, 0, 0, 3, 13, 14, 15, 0};
  Reader reader(data);
  ByteView a, b, c, d;
  ASSERT_TRUE(reader.Vector8(a) && reader.Vector16(b) && reader.Vector24(c) && reader.Vector8(d));
  EXPECT_THAT(a, ElementsAre(10, 11));
  EXPECT_THAT(b, ElementsAre(12));
  EXPECT_THAT(c, ElementsAre(13, 14, 15));
  EXPECT_TRUE(d.empty());
  EXPECT_TRUE(reader.empty());
}

TEST(Reader, AVectorThatIsCutTakesNotEvenItsLength) {
  const Bytes cut8 = {3, 1, 2};
  const Bytes cut16 = {0, 3, 1, 2};
  const Bytes cut24 = {0, 0, 3, 1, 2};
  const Bytes huge = {0xff, 0xff, 0xff};
  ByteView out;
  Reader r8(cut8), r16(cut16), r24(cut24), most(huge);
  EXPECT_FALSE(r8.Vector8(out));
  EXPECT_FALSE(r16.Vector16(out));
  EXPECT_FALSE(r24.Vector24(out));
  EXPECT_FALSE(most.Vector24(out));
  EXPECT_THAT(r8.rest(), ElementsAreArray(cut8));
  EXPECT_THAT(r16.rest(), ElementsAreArray(cut16));
  EXPECT_THAT(r24.rest(), ElementsAreArray(cut24));
  EXPECT_EQ(most.left(), 3u);
}

TEST(Writer, AppendsWhatReaderReads) {
  Bytes out = {9};
  Writer writer(out);
  writer.U8(1);
  writer.U16(0x0203);
  writer.U32(0x04050607);
  writer.Raw("ab");
  writer.Raw(Bytes{8});
  EXPECT_THAT(out, ElementsAre(9, 1, 2, 3, 4, 5, 6, 7, 'a', 'b', 8));
}

TEST(Bytes, TextAndBytesShareTheirMemory) {
  const std::string_view text("a\0\xff", 3);
  const ByteView bytes = AsBytes(text);
  EXPECT_THAT(bytes, ElementsAre('a', 0, 0xff));
  EXPECT_EQ(AsText(bytes), text);
  EXPECT_EQ(static_cast<const void*>(AsText(bytes).data()), text.data());
}

}  // namespace
}  // namespace sstplb
