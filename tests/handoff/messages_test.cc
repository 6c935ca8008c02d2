// The messages but those of sessions: there and back, cut and broken.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/messages.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/handoff/cuts.h"

namespace sstplb::handoff {
namespace {

using std::chrono::seconds;

constexpr WallTime kWall{seconds(1795325694)};

Fd SomeFile() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

Hello SomeHello() {
  return {.lowest = 1, .highest = 3, .features = 5, .descriptors = 65536, .program = "0.9.0"};
}

Offer SomeOffer() {
  return {.version = 2,
          .features = 1,
          .workers = 8,
          .sessions = 10000,
          .descriptors = 20057,
          .program = "0.8.1"};
}

backend::Drain FullDrain() {
  return {.since = kWall,
          .begins = kWall + seconds(60),
          .deadline = kWall + seconds(3600),
          .pace = 2.5,
          .idle_first = true};
}

BackendState FullBackend() {
  return {.pool = "main",
          .backend = "vpn1",
          .probed = {.health = probes::Health::kDown,
                     .bits = 0xf0f0,
                     .count = 16,
                     .streak = 4,
                     .dead_run = 3},
          .resolved = SocketAddress::Parse("192.0.2.11:443"),
          .down_since = kWall,
          .departed = FullDrain(),
          .ready_since = TimePoint(seconds(50)),
          .ejections = 3,
          .readmitted = TimePoint(seconds(60)),
          .ejected = Ejection{.since = TimePoint(seconds(70)),
                              .until = TimePoint(seconds(190)),
                              .signal = "closed_at_once",
                              .failures = 7,
                              .sources = 8,
                              .other_failures = 1,
                              .other_sources = 40},
          .server_kind = "softether",
          .certificate_changes = 5};
}

ControlState FullControl() {
  return {.handoffs = {.taken = 3,
                       .failed = 1,
                       .sessions = 4711,
                       .pauses = {0, 1, 2, 0},
                       .pause_sum = std::chrono::milliseconds(17)},
          .drain_all = FullDrain(),
          .refusing = true};
}

template <class T>
Bytes Encoded(void (*encode)(const T&, Bytes&), const T& value) {
  Bytes body;
  encode(value, body);
  return body;
}

TEST(Messages, Hello) {
  const Bytes body = Encoded(EncodeHello, SomeHello());
  const auto hello = DecodeHello(body);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->lowest, 1);
  EXPECT_EQ(hello->highest, 3);
  EXPECT_EQ(hello->features, 5u);
  EXPECT_EQ(hello->descriptors, 65536u);
  EXPECT_EQ(hello->program, "0.9.0");
  EXPECT_EQ(Encoded(EncodeHello, *hello), body);
}

TEST(Messages, WhatDoesNotBeginWithTheMagicIsNoHello) {
  Bytes body = Encoded(EncodeHello, SomeHello());
  body[4] ^= 1;
  EXPECT_FALSE(DecodeHello(body));
}

TEST(Messages, Offer) {
  const Bytes body = Encoded(EncodeOffer, SomeOffer());
  const auto offer = DecodeOffer(body);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->version, 2);
  EXPECT_EQ(offer->features, 1u);
  EXPECT_EQ(offer->workers, 8u);
  EXPECT_EQ(offer->sessions, 10000u);
  EXPECT_EQ(offer->descriptors, 20057u);
  EXPECT_EQ(offer->program, "0.8.1");
}

TEST(Messages, SocketsWithTheirDescriptors) {
  Bytes body;
  OfferedSocket listener;
  listener.name = "vpn";
  listener.worker = 3;
  listener.configured = SocketAddress::Parse("[::]:443");
  OfferedSocket door;
  door.kind = SocketKind::kHandoff;
  door.name = "/run/sstplb/admin.sock.handoff";
  EncodeSocket(listener, body);
  EncodeSocket(door, body);
  std::vector<Fd> fds;
  for (int i = 0; i < 2; ++i) fds.push_back(SomeFile());
  const int first = fds[0].get();
  const int second = fds[1].get();
  const auto sockets = DecodeSockets(body, std::move(fds));
  ASSERT_TRUE(sockets);
  ASSERT_EQ(sockets->size(), 2u);
  EXPECT_EQ((*sockets)[0].kind, SocketKind::kListener);
  EXPECT_EQ((*sockets)[0].name, "vpn");
  EXPECT_EQ((*sockets)[0].worker, 3u);
  EXPECT_EQ((*sockets)[0].configured, listener.configured);
  EXPECT_EQ((*sockets)[0].fd.get(), first);
  EXPECT_EQ((*sockets)[1].kind, SocketKind::kHandoff);
  EXPECT_EQ((*sockets)[1].name, door.name);
  EXPECT_EQ((*sockets)[1].configured, std::nullopt);
  EXPECT_EQ((*sockets)[1].fd.get(), second);
}

TEST(Messages, SocketsAndDescriptorsMustBeAsMany) {
  Bytes body;
  EncodeSocket({}, body);
  EXPECT_FALSE(DecodeSockets(body, {}));
  std::vector<Fd> fds;
  for (int i = 0; i < 2; ++i) fds.push_back(SomeFile());
  EXPECT_FALSE(DecodeSockets(body, std::move(fds)));
}

TEST(Messages, ABackendWithEverything) {
  const Bytes body = Encoded(EncodeBackend, FullBackend());
  const auto backends = DecodeBackends(body);
  ASSERT_TRUE(backends);
  ASSERT_EQ(backends->size(), 1u);
  const BackendState& back = backends->front();
  const BackendState want = FullBackend();
  EXPECT_EQ(back.pool, "main");
  EXPECT_EQ(back.backend, "vpn1");
  EXPECT_EQ(back.probed.health, probes::Health::kDown);
  EXPECT_EQ(back.probed.bits, 0xf0f0u);
  EXPECT_EQ(back.probed.count, 16u);
  EXPECT_EQ(back.probed.streak, 4u);
  EXPECT_EQ(back.probed.dead_run, 3u);
  EXPECT_EQ(back.resolved, want.resolved);
  EXPECT_EQ(back.down_since, want.down_since);
  EXPECT_EQ(back.departed, want.departed);
  EXPECT_EQ(back.ready_since, want.ready_since);
  EXPECT_EQ(back.ejections, 3u);
  EXPECT_EQ(back.readmitted, want.readmitted);
  ASSERT_TRUE(back.ejected);
  EXPECT_EQ(back.ejected->since, want.ejected->since);
  EXPECT_EQ(back.ejected->until, want.ejected->until);
  EXPECT_EQ(back.ejected->signal, "closed_at_once");
  EXPECT_EQ(back.ejected->failures, 7u);
  EXPECT_EQ(back.ejected->sources, 8u);
  EXPECT_EQ(back.ejected->other_failures, 1u);
  EXPECT_EQ(back.ejected->other_sources, 40u);
  EXPECT_EQ(back.server_kind, "softether");
  EXPECT_EQ(back.certificate_changes, 5u);
}

TEST(Messages, EachOptionalOfABackendMayBeAbsent) {
  for (int without = 0; without < 8; ++without) {
    BackendState state = FullBackend();
    if (without == 0) state.resolved.reset();
    if (without == 1) state.down_since.reset();
    if (without == 2) state.departed.reset();
    if (without == 3) state.departed->deadline.reset();
    if (without == 4) state.departed->pace.reset();
    if (without == 5) state.departed->idle_first = false;
    if (without == 6) state.ready_since.reset();
    if (without == 7) state.ejected.reset();
    const auto back = DecodeBackends(Encoded(EncodeBackend, state));
    ASSERT_TRUE(back && back->size() == 1) << without;
    EXPECT_EQ(back->front().resolved, state.resolved) << without;
    EXPECT_EQ(back->front().down_since, state.down_since) << without;
    EXPECT_EQ(back->front().departed, state.departed) << without;
    EXPECT_EQ(back->front().ready_since, state.ready_since) << without;
    EXPECT_EQ(back->front().ejected.has_value(), state.ejected.has_value()) << without;
  }
}

TEST(Messages, AHealthThatIsNotKnownHereIsUnknown) {
  Bytes body = Encoded(EncodeBackend, BackendState{});
  body[4 + 4 + 4] = 77;  // behind the size and two empty words
  const auto backends = DecodeBackends(body);
  ASSERT_TRUE(backends);
  EXPECT_EQ(backends->front().probed.health, probes::Health::kUnknown);
}

TEST(Messages, Affinity) {
  Bytes body;
  const Affinity first{"main", {*IpAddress::Parse("203.0.113.9"), "vpn1", 0, seconds(90)}};
  const Affinity second{"lab", {*IpAddress::Parse("2001:db8::"), "lab1", 0, seconds(1)}};
  EncodeAffinity(first, body);
  EncodeAffinity(second, body);
  const auto back = DecodeAffinity(body);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ((*back)[0].pool, "main");
  EXPECT_EQ((*back)[0].entry, first.entry);
  EXPECT_EQ((*back)[1].pool, "lab");
  EXPECT_EQ((*back)[1].entry, second.entry);
}

TEST(Messages, Control) {
  for (const bool drained : {true, false}) {
    ControlState state = FullControl();
    if (!drained) state.drain_all.reset();
    const Bytes body = Encoded(EncodeControl, state);
    const auto back = DecodeControl(body);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->drain_all, state.drain_all);
    EXPECT_TRUE(back->refusing);
    EXPECT_EQ(back->handoffs.taken, 3u);
    EXPECT_EQ(back->handoffs.failed, 1u);
    EXPECT_EQ(back->handoffs.sessions, 4711u);
    EXPECT_EQ(back->handoffs.pauses, state.handoffs.pauses);
    EXPECT_EQ(back->handoffs.pause_sum, state.handoffs.pause_sum);
  }
}

TEST(Messages, End) {
  const End end{
      .relaying = 9, .greeting = 4, .frozen = TimePoint(seconds(17)), .last_session = 1ull << 55};
  const auto back = DecodeEnd(Encoded(EncodeEnd, end));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->relaying, 9u);
  EXPECT_EQ(back->greeting, 4u);
  EXPECT_EQ(back->frozen, end.frozen);
  EXPECT_EQ(back->last_session, end.last_session);
}

TEST(Messages, ABodyThatIsCutIsRefused) {
  ForEachPrefix(Encoded(EncodeHello, SomeHello()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(DecodeHello(cut)) << size; });
  ForEachPrefix(Encoded(EncodeOffer, SomeOffer()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(DecodeOffer(cut)) << size; });
  ForEachPrefix(Encoded(EncodeControl, FullControl()),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(DecodeControl(cut)) << size; });
  ForEachPrefix(Encoded(EncodeEnd, End{}),
                [](ByteView cut, std::size_t size) { EXPECT_FALSE(DecodeEnd(cut)) << size; });
}

// Of a list the whole records in front are a list too.
TEST(Messages, AListThatIsCutInsideARecordIsRefused) {
  const Bytes one = Encoded(EncodeBackend, FullBackend());
  Bytes two = one;
  two.insert(two.end(), one.begin(), one.end());
  ForEachPrefix(two, [&](ByteView cut, std::size_t size) {
    EXPECT_EQ(DecodeBackends(cut).has_value(), size % one.size() == 0) << size;
  });
  const Bytes affinity = Encoded(EncodeAffinity, Affinity{"p", {{}, "b", 0, {}}});
  ForEachPrefix(affinity, [](ByteView cut, std::size_t size) {
    EXPECT_EQ(DecodeAffinity(cut).has_value(), size == 0) << size;
  });
}

// What an older version does not send is as if it were not there; never a half of a field.
TEST(Messages, AShorterRecordHasDefaultsOrIsRefused) {
  std::size_t accepted = 0;
  ForEachShorterRecord(Encoded(EncodeBackend, FullBackend()), [&](ByteView body) {
    const auto back = DecodeBackends(body);
    if (!back) return;
    ++accepted;
    EXPECT_TRUE(back->front().pool == "main" || back->front().pool.empty());
  });
  // Nine fields, the seven of its drain, three more, the eight of its ejection and two more.
  EXPECT_EQ(accepted, 29u);

  accepted = 0;
  ForEachShorterRecord(Encoded(EncodeOffer, SomeOffer()), [&](ByteView body) {
    const auto back = DecodeOffer(body);
    if (!back) return;
    ++accepted;
    EXPECT_TRUE(back->program.empty());
  });
  EXPECT_EQ(accepted, 6u);
  ForEachShorterRecord(Encoded(EncodeControl, FullControl()),
                       [](ByteView body) { (void)DecodeControl(body); });
  ForEachShorterRecord(Encoded(EncodeEnd, End{}), [](ByteView body) { (void)DecodeEnd(body); });
}

TEST(Messages, ALongerRecordIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(DecodeHello(Longer(Encoded(EncodeHello, SomeHello()))));
  EXPECT_TRUE(DecodeOffer(Longer(Encoded(EncodeOffer, SomeOffer()))));
  EXPECT_TRUE(DecodeBackends(Longer(Encoded(EncodeBackend, FullBackend()))));
  EXPECT_TRUE(DecodeControl(Longer(Encoded(EncodeControl, FullControl()))));
  EXPECT_TRUE(DecodeEnd(Longer(Encoded(EncodeEnd, End{}))));
}

TEST(Messages, ANumberOfBucketsThatCannotBeIsBounded) {
  ControlState state;
  state.handoffs.pauses.assign(1000, 1);
  const auto back = DecodeControl(Encoded(EncodeControl, state));
  ASSERT_TRUE(back);
  EXPECT_LE(back->handoffs.pauses.size(), 64u);
}

}  // namespace
}  // namespace sstplb::handoff
