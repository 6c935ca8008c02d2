// The handshake is one in the eyes of the balancer's own observer, and of no other length than
// said.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/dialogue/handshake.h"

#include <gtest/gtest.h>

#include "lb/tls/record_observer.h"

namespace sstplb::dialogue {
namespace {

TEST(Handshake, IsSeenToItsEnd) {
  Bytes hello = Record(300);
  hello[0] = kHandshakeRecord;
  tls::RecordObserver observer;
  observer.FromClient(hello);
  observer.FromServer(ServerFlight());
  EXPECT_FALSE(observer.done());
  observer.FromClient(ClientFlight());
  EXPECT_TRUE(observer.done());
  tls::HandshakeFacts expected;
  expected.version = 0x0304;
  expected.cipher = 0x1302;
  expected.handshake_done = true;
  EXPECT_EQ(observer.facts(), expected);
}

TEST(Handshake, IsMadeOfWholeRecords) {
  for (const Bytes& flight : {ServerFlight(), ClientFlight(), Record(kLargestBody)}) {
    ByteView rest(flight);
    while (!rest.empty()) {
      const std::size_t size = RecordSize(rest);
      ASSERT_GT(size, kRecordHeader);
      ASSERT_LE(size, rest.size());
      rest = rest.subspan(size);
    }
  }
}

TEST(Handshake, ARecordWithoutItsWholeHeaderHasNoSize) {
  const Bytes record = Record(20);
  for (std::size_t size = 0; size < kRecordHeader; ++size) {
    EXPECT_EQ(RecordSize(ByteView(record).first(size)), 0U);
  }
  EXPECT_EQ(RecordSize(ByteView(record).first(kRecordHeader)), record.size());
}

}  // namespace
}  // namespace sstplb::dialogue
