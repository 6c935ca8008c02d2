// Sessions as records: there and back, cut, and random.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/session_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/handoff/cuts.h"

namespace sstplb::handoff {
namespace {

using session::CloseReason;
using std::chrono::seconds;

session::Identity SomeIdentity() {
  session::Identity out;
  out.id = 0x123456;
  out.listener = "vpn";
  out.pool = "main";
  out.backend = "vpn1";
  out.client = *SocketAddress::Parse("203.0.113.9:40000");
  out.backend_address = *SocketAddress::Parse("[2001:db8::1]:443");
  out.proxy = SocketAddress::Parse("192.0.2.80:50000");
  out.sni = "vpn.example.com";
  out.ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1";
  out.idle_timeout = seconds(900);
  out.rhythm = seconds(60);
  out.opened = TimePoint(seconds(100));
  out.connected = TimePoint(seconds(101));
  out.in_limits = true;
  out.in_affinity = true;
  return out;
}

session::Motion SomeMotion() {
  session::Motion out;
  out.id = 0x123456;
  out.first_eof = CloseReason::kClientEof;
  out.client_spoke = TimePoint(seconds(200));
  out.backend_spoke = TimePoint(seconds(201));
  out.tls = session::TlsStage::kDone;
  out.signalled = true;
  out.handshake = std::chrono::milliseconds(41);
  out.retransmits[0] = 3;
  out.retransmits[1] = 4;
  out.to_backend = {
      .bytes = 1000, .bulk = false, .portion = 0, .saw_eof = true, .ended = true, .held = {}};
  out.to_client = {.bytes = 1ull << 40,
                   .bulk = true,
                   .portion = 3,
                   .saw_eof = false,
                   .ended = false,
                   .held = Bytes(1000, 0x5a)};
  out.observer = {1, 2, 3};
  out.handshake_bytes = 597;
  out.handshake_until = TimePoint(seconds(210));
  return out;
}

session::GreetingImage SomeGreeting() {
  session::GreetingImage out;
  out.id = 77;
  out.listener = "vpn";
  out.peer = *SocketAddress::Parse("203.0.113.9:40000");
  out.opened = TimePoint(seconds(1));
  out.last_byte = TimePoint(seconds(2));
  out.in_limits = true;
  out.refused = CloseReason::kUnknownSni;
  out.read = {22, 3, 1, 0};
  out.first_queued = TimePoint(seconds(3));
  return out;
}

Bytes Encoded(const session::Identity& value) {
  Bytes body;
  EncodeIdentity(value, body);
  return body;
}
Bytes Encoded(const session::Motion& value, bool observer = true) {
  Bytes body;
  EncodeMotion(value, observer, body);
  return body;
}
Bytes Encoded(const session::GreetingImage& value) {
  Bytes body;
  EncodeGreeting(value, body);
  return body;
}

std::optional<session::Identity> Identity(ByteView body) {
  Reader reader(body);
  return DecodeIdentity(reader);
}
std::optional<session::Motion> Motion(ByteView body) {
  Reader reader(body);
  return DecodeMotion(reader);
}
std::optional<session::GreetingImage> Greeting(ByteView body) {
  Reader reader(body);
  return DecodeGreeting(reader);
}

void ExpectSame(const session::FlowImage& got, const session::FlowImage& want) {
  EXPECT_EQ(got.bytes, want.bytes);
  EXPECT_EQ(got.bulk, want.bulk);
  EXPECT_EQ(got.portion, want.portion);
  EXPECT_EQ(got.saw_eof, want.saw_eof);
  EXPECT_EQ(got.ended, want.ended);
  EXPECT_EQ(got.held, want.held);
}

TEST(SessionCodec, AnIdentityWithEverything) {
  const session::Identity want = SomeIdentity();
  const auto got = Identity(Encoded(want));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, want.id);
  EXPECT_EQ(got->listener, want.listener);
  EXPECT_EQ(got->pool, want.pool);
  EXPECT_EQ(got->backend, want.backend);
  EXPECT_EQ(got->client, want.client);
  EXPECT_EQ(got->backend_address, want.backend_address);
  EXPECT_EQ(got->proxy, want.proxy);
  EXPECT_EQ(got->sni, want.sni);
  EXPECT_EQ(got->ja4, want.ja4);
  EXPECT_EQ(got->idle_timeout, want.idle_timeout);
  EXPECT_EQ(got->rhythm, want.rhythm);
  EXPECT_EQ(got->opened, want.opened);
  EXPECT_EQ(got->connected, want.connected);
  EXPECT_TRUE(got->in_limits);
  EXPECT_TRUE(got->in_affinity);
}

TEST(SessionCodec, AnIdentityWithoutWhatMayBeAbsent) {
  session::Identity want = SomeIdentity();
  want.proxy.reset();
  want.sni.clear();
  want.ja4.clear();
  want.in_affinity = false;
  const auto got = Identity(Encoded(want));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->proxy, std::nullopt);
  EXPECT_TRUE(got->sni.empty());
  EXPECT_TRUE(got->ja4.empty());
  EXPECT_TRUE(got->in_limits);
  EXPECT_FALSE(got->in_affinity);
}

TEST(SessionCodec, AnIdentityThatCannotBeIsRefused) {
  session::Identity idle = SomeIdentity();
  idle.idle_timeout = Duration::zero();
  EXPECT_FALSE(Identity(Encoded(idle)));
  session::Identity unconnected = SomeIdentity();
  unconnected.connected = TimePoint();
  EXPECT_FALSE(Identity(Encoded(unconnected)));
  session::Identity long_ja4 = SomeIdentity();
  long_ja4.ja4.assign(37, 'a');
  EXPECT_FALSE(Identity(Encoded(long_ja4)));
}

TEST(SessionCodec, AMotionWithEverything) {
  const session::Motion want = SomeMotion();
  const auto got = Motion(Encoded(want));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, want.id);
  EXPECT_EQ(got->first_eof, want.first_eof);
  EXPECT_EQ(got->client_spoke, want.client_spoke);
  EXPECT_EQ(got->backend_spoke, want.backend_spoke);
  EXPECT_EQ(got->tls, want.tls);
  EXPECT_EQ(got->signalled, want.signalled);
  EXPECT_EQ(got->handshake, want.handshake);
  EXPECT_EQ(got->retransmits[0], 3u);
  EXPECT_EQ(got->retransmits[1], 4u);
  ExpectSame(got->to_backend, want.to_backend);
  ExpectSame(got->to_client, want.to_client);
  EXPECT_EQ(got->observer, want.observer);
  EXPECT_EQ(got->handshake_bytes, want.handshake_bytes);
  EXPECT_EQ(got->handshake_until, want.handshake_until);
}

TEST(SessionCodec, WhoEndedFirst) {
  for (const auto& first : {std::optional<CloseReason>(), std::optional(CloseReason::kClientEof),
                            std::optional(CloseReason::kBackendEof)}) {
    session::Motion want = SomeMotion();
    want.first_eof = first;
    const auto got = Motion(Encoded(want));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->first_eof, first);
  }
}

TEST(SessionCodec, TheObserverStaysHereWhenTheOtherDoesNotUnderstandIt) {
  const auto got = Motion(Encoded(SomeMotion(), /*observer=*/false));
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->observer.empty());
}

TEST(SessionCodec, AGreetingWithEverything) {
  const session::GreetingImage want = SomeGreeting();
  const auto got = Greeting(Encoded(want));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, want.id);
  EXPECT_EQ(got->listener, want.listener);
  EXPECT_EQ(got->peer, want.peer);
  EXPECT_EQ(got->opened, want.opened);
  EXPECT_EQ(got->last_byte, want.last_byte);
  EXPECT_TRUE(got->in_limits);
  EXPECT_EQ(got->refused, want.refused);
  EXPECT_EQ(got->read, want.read);
}

TEST(SessionCodec, EveryCloseReasonAndNone) {
  session::GreetingImage want = SomeGreeting();
  want.refused.reset();
  ASSERT_TRUE(Greeting(Encoded(want)));
  EXPECT_EQ(Greeting(Encoded(want))->refused, std::nullopt);
  for (std::size_t i = 0; i < session::kCloseReasonCount; ++i) {
    want.refused = static_cast<CloseReason>(i);
    const auto got = Greeting(Encoded(want));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->refused, want.refused);
  }
}

TEST(SessionCodec, AReasonOfAnotherVersionIsStillARefusal) {
  Bytes body = Encoded(SomeGreeting());
  const std::string_view word = session::ToString(CloseReason::kUnknownSni);
  const auto at = AsText(body).find(word);
  ASSERT_NE(at, std::string_view::npos);
  body[at] = 'X';
  const auto got = Greeting(body);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->refused);
}

TEST(SessionCodec, RecordsFollowEachOther) {
  Bytes body = Encoded(SomeIdentity());
  session::Identity other = SomeIdentity();
  other.id = 2;
  EncodeIdentity(other, body);
  Reader reader(body);
  EXPECT_EQ(DecodeIdentity(reader)->id, SomeIdentity().id);
  EXPECT_EQ(DecodeIdentity(reader)->id, 2u);
  EXPECT_TRUE(reader.empty());
  EXPECT_FALSE(DecodeIdentity(reader));
}

TEST(SessionCodec, ABodyThatIsCutIsRefused) {
  ForEachPrefix(Encoded(SomeIdentity()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(Identity(cut)) << size; });
  ForEachPrefix(Encoded(SomeMotion()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(Motion(cut)) << size; });
  ForEachPrefix(Encoded(SomeGreeting()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(Greeting(cut)) << size; });
}

// An identity needs its addresses, its limit and when it began; a motion and a greeting less.
TEST(SessionCodec, AShorterRecordHasDefaultsOrIsRefused) {
  std::size_t identities = 0;
  ForEachShorterRecord(Encoded(SomeIdentity()), [&](ByteView body) {
    const auto got = Identity(body);
    if (!got) return;
    ++identities;
    EXPECT_EQ(got->rhythm.count(), 0);
    EXPECT_EQ(got->connected, SomeIdentity().connected);
  });
  EXPECT_EQ(identities, 2u) << "only its last two fields may be missing";

  std::size_t motions = 0;
  ForEachShorterRecord(Encoded(SomeMotion()), [&](ByteView body) {
    const auto got = Motion(body);
    if (!got) return;
    ++motions;
    EXPECT_EQ(got->handshake_until, TimePoint());
  });
  EXPECT_EQ(motions, 20u) << "between its fields";

  std::size_t greetings = 0;
  ForEachShorterRecord(Encoded(SomeGreeting()), [&](ByteView body) {
    const auto got = Greeting(body);
    if (!got) return;
    ++greetings;
    EXPECT_EQ(got->peer, SomeGreeting().peer);
    EXPECT_EQ(got->first_queued, TimePoint());
  });
  EXPECT_EQ(greetings, 6u);
}

TEST(SessionCodec, ALongerRecordIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(Identity(Longer(Encoded(SomeIdentity()))));
  EXPECT_TRUE(Motion(Longer(Encoded(SomeMotion()))));
  EXPECT_TRUE(Greeting(Longer(Encoded(SomeGreeting()))));
}

TEST(SessionCodec, SoundRecordsWithAnyByteChangedDoNotHarm) {
  std::mt19937 random(1);
  for (const Bytes& sound :
       {Encoded(SomeIdentity()), Encoded(SomeMotion()), Encoded(SomeGreeting())}) {
    for (std::size_t i = 0; i < sound.size(); ++i) {
      Bytes body = sound;
      body[i] = static_cast<std::uint8_t>(random());
      (void)Identity(body);
      (void)Motion(body);
      (void)Greeting(body);
    }
  }
}

}  // namespace
}  // namespace sstplb::handoff
