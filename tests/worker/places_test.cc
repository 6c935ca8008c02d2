// Places at a backend: who waits for one, who gets it, and who is refused.
//
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/rig.h"

namespace sstplb::worker {
namespace {

using config::OnOverload;
using session::CloseReason;
using session::Phase;
using std::chrono::milliseconds;

config::Pool OnePlace() {
  return {.max_pending_per_backend = 1, .queue_timeout = std::chrono::seconds(8)};
}

Peer Greet(const Rig& rig, const std::string& from = "127.0.0.1") {
  Peer client = rig.ConnectFrom(from);
  EXPECT_TRUE(client.Send(Hello()));
  return client;
}

bool AwaitQueued(const Rig& rig, std::uint64_t count) {
  return rig.Await(
      [&] {
        const auto sessions = rig.sessions();
        return static_cast<std::uint64_t>(std::ranges::count_if(
            sessions, [](const auto& s) { return s.phase == Phase::kQueued; }));
      },
      count);
}

// A record of TLS 1.2.
std::string Record(char type, std::string_view payload) {
  const auto size = static_cast<char>(payload.size());
  return std::string{type, 3, 3, 0, size} + std::string(payload);
}

// The least that a TLS 1.2 server answers.
std::string ServerHello() {
  const std::string body = "\x03\x03" + std::string(32, 'r') + std::string("\0\xc0\x2f\0", 4);
  return Record(22, std::string("\x02\0\0", 3) + static_cast<char>(body.size()) + body);
}

// The end of a handshake, of either side.
std::string Finished() { return Record(20, "\x01") + Record(22, "f"); }

// Sends one byte after the other of a record that does not end, each when the one before it has
// come through, until one does not.
void Dribble(const Peer& client, const Peer& backend) {
  std::string next = "\x16\x03\x03\x40";
  next += '\0';
  while (client.Send(next) && backend.Read(next.size()) == next) next = "x";
}

std::uint64_t Signals(const Rig& rig, session::Signal signal) {
  std::uint64_t count = 0;
  for (const auto& lane : rig.report().lanes) {
    count += lane.counters.signals[static_cast<std::size_t>(signal)];
  }
  return count;
}

std::string Alert(int description) {
  return std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(description);
}

TEST(Places, ASessionWaitsUntilTheHandshakeBeforeItIsOver) {
  const Server server;
  const Rig rig({}, OnePlace(), {server.address()});
  Peer first = Greet(rig);
  Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  const Peer second = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  EXPECT_EQ(rig.load(0).pending, 1u);
  EXPECT_EQ(rig.load(0).queued, 1u);
  EXPECT_EQ(rig.load(0).active, 1u);
  EXPECT_FALSE(server.HasClient());
  // An alert is the end of a handshake, too.
  ASSERT_TRUE(backend.Send(Alert(40)));
  const Peer next = server.Accept();
  EXPECT_EQ(next.Read(Hello().size()), Hello());
  EXPECT_EQ(rig.load(0).queued, 0u);
  EXPECT_EQ(rig.load(0).active, 2u);
  first.Reset();
  ASSERT_TRUE(next.Send("x"));
  EXPECT_EQ(second.Read(1), "x");
}

TEST(Places, AnEndFreesThePlace) {
  const Server server;
  const Rig rig({}, OnePlace(), {server.address()});
  Peer first = Greet(rig);
  Peer backend = server.Accept();
  const Peer second = Greet(rig);
  const Peer third = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 2));
  first.Reset();
  const Peer next = server.Accept();
  EXPECT_EQ(next.Read(Hello().size()), Hello());
  EXPECT_EQ(rig.load(0).queued, 1u);
}

TEST(Places, ABackendThatEndsFreesThePlaceThoughItsClientStays) {
  const Server server;
  const Rig rig({}, OnePlace(), {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  const Peer second = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  backend.EndSending();
  EXPECT_TRUE(first.AtEnd());
  const Peer next = server.Accept();
  EXPECT_EQ(next.Read(Hello().size()), Hello());
  EXPECT_EQ(rig.load(0).pending, 1u);
  EXPECT_EQ(rig.load(0).active, 2u);
  // And what it has shown is told at once.
  const auto lanes = rig.report().lanes;
  ASSERT_EQ(lanes.size(), 1u);
  const auto signal = static_cast<std::size_t>(session::Signal::kClosedAtOnce);
  EXPECT_EQ(lanes[0].counters.signals[signal], 1u);
}

TEST(Places, WhatIsNoTlsHasNoHandshake) {
  const Server server;
  const Rig rig({.not_tls = config::PoolOrRefuse::kPool}, OnePlace(), {server.address()});
  const Peer first = rig.Connect();
  ASSERT_TRUE(first.Send("SSH-2.0-x"));
  const Peer backend = server.Accept();
  const Peer second = rig.Connect();
  ASSERT_TRUE(second.Send("SSH-2.0-y"));
  const Peer next = server.Accept();
  EXPECT_EQ(next.Read(9), "SSH-2.0-y");
}

TEST(Places, AClientThatDribblesLosesItsPlace) {
  const Server server;
  config::Pool pool = OnePlace();
  pool.handshake_timeout = milliseconds(100);
  const Rig rig({}, pool, {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  ASSERT_TRUE(backend.Send(ServerHello()));
  const Peer second = Greet(rig);
  Dribble(first, backend);
  ASSERT_TRUE(rig.AwaitClosed(CloseReason::kHandshakeTimeout));
  const Peer next = server.Accept();
  EXPECT_EQ(next.Read(Hello().size()), Hello());
  // The backend has done its part.
  for (std::size_t i = 0; i < session::kSignalCount; ++i) {
    EXPECT_EQ(Signals(rig, static_cast<session::Signal>(i)), 0u) << i;
  }
}

TEST(Places, ABackendThatSaysNothingIsToldOf) {
  const Server server;
  config::Pool pool = OnePlace();
  pool.handshake_timeout = milliseconds(100);
  const Rig rig({}, pool, {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  ASSERT_TRUE(rig.AwaitClosed(CloseReason::kHandshakeTimeout));
  EXPECT_EQ(Signals(rig, session::Signal::kSilent), 1u);
}

TEST(Places, OnlyAHandshakeIsBoundByItsTime) {
  const Server server;
  config::Pool pool;
  pool.handshake_timeout = milliseconds(100);
  const Rig rig({.not_tls = config::PoolOrRefuse::kPool}, pool, {server.address()});
  const Peer other = rig.Connect();
  ASSERT_TRUE(other.Send("SSH-2.0-x"));
  const Peer at_other = server.Accept();
  const Peer done = Greet(rig);
  const Peer at_done = server.Accept();
  ASSERT_EQ(at_done.Read(Hello().size()), Hello());
  ASSERT_TRUE(at_done.Send(ServerHello() + Finished()));
  ASSERT_TRUE(done.Send(Finished()));
  ASSERT_EQ(at_done.Read(Finished().size()), Finished());
  const Peer late = Greet(rig);
  const Peer at_late = server.Accept();
  ASSERT_TRUE(rig.AwaitClosed(CloseReason::kHandshakeTimeout));
  ASSERT_TRUE(other.Send("y"));
  EXPECT_EQ(at_other.Read(10), "SSH-2.0-xy");
  ASSERT_TRUE(done.Send("y"));
  EXPECT_EQ(at_done.Read(1), "y");
  EXPECT_EQ(rig.Closed(CloseReason::kHandshakeTimeout), 1u);
}

TEST(Places, SilenceEndsAHandshakeThatMayTakeLonger) {
  const Server server;
  for (const Duration limit : {Duration(std::chrono::seconds(60)), Duration::zero()}) {
    config::Pool pool;
    pool.handshake_timeout = limit;
    const Rig rig({.idle_timeout = milliseconds(100)}, pool, {server.address()});
    const Peer client = Greet(rig);
    const Peer backend = server.Accept();
    EXPECT_TRUE(rig.AwaitClosed(CloseReason::kIdle));
  }
}

TEST(Places, AClientThatGivesUpLeavesTheQueue) {
  const Server server;
  const Rig rig({}, OnePlace(), {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  {
    const Peer second = Greet(rig);
    Peer third = Greet(rig);
    ASSERT_TRUE(AwaitQueued(rig, 2));
    third.Reset();
  }
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kClientGone, 2));
  EXPECT_EQ(rig.load(0).queued, 0u);
}

TEST(Places, WhoWaitsTooLongIsToldSo) {
  const Server server;
  for (const OnOverload how : {OnOverload::kAlert, OnOverload::kReset}) {
    config::Pool pool = OnePlace();
    pool.queue_timeout = milliseconds(100);
    pool.on_overload = how;
    const Rig rig({}, pool, {server.address()});
    const Peer first = Greet(rig);
    const Peer backend = server.Accept();
    const Peer second = Greet(rig);
    if (how == OnOverload::kAlert) {
      EXPECT_EQ(second.ReadToEnd(), Alert(80));
    } else {
      EXPECT_TRUE(second.WasReset());
    }
    second.EndSending();
    EXPECT_TRUE(rig.AwaitRefused(CloseReason::kQueueTimeout));
    EXPECT_EQ(rig.load(0).queued, 0u);
    EXPECT_EQ(rig.load(0).pending, 1u);
  }
}

TEST(Places, AFullQueueRefusesAtOnce) {
  const Server server;
  config::Pool pool = OnePlace();
  pool.max_queued_per_backend = 1;
  const Rig rig({}, pool, {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  const Peer second = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  const Peer third = Greet(rig);
  EXPECT_EQ(third.ReadToEnd(), Alert(80));
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kQueueFull));
}

TEST(Places, AFloodDoesNotKeepOthersOut) {
  const Server server;
  config::Pool pool = OnePlace();
  pool.max_queued_per_backend = 4;
  const Rig rig({}, pool, {server.address()});
  const Peer first = Greet(rig);
  Peer backend = server.Accept();
  std::vector<Peer> flood;
  for (int i = 0; i < 4; ++i) {
    flood.push_back(Greet(rig));
    ASSERT_TRUE(AwaitQueued(rig, static_cast<std::uint64_t>(i) + 1));
  }
  const Peer more = Greet(rig);
  EXPECT_EQ(more.ReadToEnd(), Alert(80)) << "one more of the flood";
  const Peer other = Greet(rig, "127.0.0.2");
  EXPECT_EQ(flood[3].ReadToEnd(), Alert(80)) << "the last of the longest line gives way";
  const Peer another = Greet(rig, "127.0.0.2");
  EXPECT_EQ(flood[2].ReadToEnd(), Alert(80)) << "3 and 1 become 2 and 2";
  const Peer last = Greet(rig, "127.0.0.2");
  EXPECT_EQ(last.ReadToEnd(), Alert(80)) << "no line is longer";
  EXPECT_EQ(rig.load(0).queued, 4u);
  for (const Peer* refused : {&more, &last, &std::as_const(flood[2]), &std::as_const(flood[3])}) {
    refused->EndSending();
  }
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kQueueFull, 4));
  // And its turn comes second.
  backend.Reset();
  Peer next = server.Accept();
  ASSERT_EQ(next.Read(Hello().size()), Hello());
  next.Reset();
  next = server.Accept();
  ASSERT_EQ(next.Read(Hello().size()), Hello());
  ASSERT_TRUE(next.Send(ServerHello()));
  EXPECT_EQ(other.Read(1), ServerHello().substr(0, 1));
}

TEST(Places, WhereThereAreMoreWorkersASourceHasABound) {
  const Server server;
  config::Pool pool = OnePlace();
  pool.max_queued_per_backend = 8;
  const Rig rig({}, pool, {server.address()}, 1000, /*workers=*/2);
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  const Peer second = Greet(rig);
  const Peer third = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 2));
  const Peer fourth = Greet(rig);
  EXPECT_EQ(fourth.ReadToEnd(), Alert(80));
  const Peer other = Greet(rig, "127.0.0.2");
  EXPECT_TRUE(AwaitQueued(rig, 3));
}

TEST(Places, ARateIsKept) {
  const Server server;
  config::Pool pool{.session_rate_per_backend = config::Rate{20, 1}};
  const Rig rig({}, pool, {server.address()});
  const TimePoint begin = Clock::now();
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(Greet(rig));
  for (int i = 0; i < 5; ++i) peers.push_back(server.Accept());
  EXPECT_GE(Clock::now() - begin, milliseconds(200));
  const auto lanes = rig.report().lanes;
  ASSERT_EQ(lanes.size(), 1u);
  std::uint64_t waited = 0;
  for (const std::uint64_t count : lanes[0].counters.queue_wait.counts()) waited += count;
  EXPECT_EQ(waited, 4u);
}

TEST(Places, WhoeverGoesWhereverLooksForAFreeBackendFirst) {
  const Server busy;
  const Server free;
  for (const bool sticky : {true, false}) {
    config::Pool pool = OnePlace();
    pool.balance = sticky ? config::Balance::kConsistentHash : config::Balance::kRoundRobin;
    const Rig rig({}, pool, {busy.address(), free.address()});
    // The rig's policy takes turns whatever the pool is called.
    const Peer first = Greet(rig);
    const Peer at_busy = busy.Accept();
    const Peer second = Greet(rig);
    Peer at_free = free.Accept();
    second.EndSending();
    at_free.Reset();
    ASSERT_TRUE(rig.AwaitClosed(CloseReason::kBackendReset));
    const Peer third = Greet(rig);  // b1 has its turn
    if (sticky) {
      EXPECT_TRUE(AwaitQueued(rig, 1));
      EXPECT_FALSE(free.HasClient());
    } else {
      EXPECT_EQ(free.Accept().Read(Hello().size()), Hello());
    }
  }
}

TEST(Places, WhoWaitsForABackendThatGoesDownGoesElsewhere) {
  const Server busy;
  const Server free;
  Rig rig({}, OnePlace(), {busy.address(), free.address()});
  const Peer first = Greet(rig);
  const Peer at_busy = busy.Accept();
  const Peer second = Greet(rig);
  Peer at_free = free.Accept();
  const Peer third = Greet(rig);
  const Peer fourth = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 2));
  at_free.Reset();  // and its place is taken by who waits for it
  const Peer next = free.Accept();
  ASSERT_TRUE(AwaitQueued(rig, 1));
  rig.SetHealth("b1", backend::Health::kDown);
  ASSERT_TRUE(rig.Await([&] { return rig.load(1).queued.load(); }, 1));
  EXPECT_EQ(rig.load(0).queued, 0u);
  EXPECT_FALSE(busy.HasClient());
}

TEST(Places, ChangesDoNotMakeItWaitLonger) {
  const Server one;
  const Server two;
  config::Pool pool = OnePlace();
  pool.queue_timeout = std::chrono::seconds(1);
  Rig rig({}, pool, {one.address(), two.address()});
  const Peer first = Greet(rig);
  const Peer at_one = one.Accept();
  const Peer second = Greet(rig);
  const Peer at_two = two.Accept();
  const TimePoint begin = Clock::now();
  const Peer third = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  // Whichever it waits for goes down now and then.
  for (int i = 0; !third.SaysSomething(milliseconds(50)) && i < 100; ++i) {
    const bool down = i % 2 == 0;
    rig.SetHealth(i % 4 < 2 ? "b1" : "b2", down ? backend::Health::kDown : backend::Health::kUp);
  }
  EXPECT_GE(Clock::now() - begin, std::chrono::seconds(1));
  EXPECT_LT(Clock::now() - begin, milliseconds(1900));
  EXPECT_EQ(third.ReadToEnd(), Alert(80));
  third.EndSending();
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kQueueTimeout));
}

TEST(Places, WhoWaitsKeepsItsTurnWhenOthersComeBack) {
  for (const bool sticky : {true, false}) {
    const Server busy;
    const Server back;
    config::Pool pool = OnePlace();
    pool.balance = sticky ? config::Balance::kConsistentHash : config::Balance::kRoundRobin;
    Rig rig({}, pool, {busy.address(), back.address()});
    rig.SetHealth("b2", backend::Health::kDown);
    const Peer first = Greet(rig);
    Peer at_busy = busy.Accept();
    const Peer second = Greet(rig);
    ASSERT_TRUE(AwaitQueued(rig, 1));
    const Peer third = Greet(rig);
    ASSERT_TRUE(AwaitQueued(rig, 2));
    rig.SetHealth("b2", backend::Health::kUp);
    if (sticky) {
      EXPECT_EQ(rig.report().lanes.size(), 1u);  // the plan has come to the worker
      EXPECT_FALSE(back.HasClient());
      EXPECT_EQ(rig.load(0).queued, 2u);
      at_busy.Reset();
    }
    // The first in the line, and it alone.
    const Peer next = (sticky ? busy : back).Accept();
    ASSERT_EQ(next.Read(Hello().size()), Hello());
    ASSERT_TRUE(next.Send(ServerHello()));
    EXPECT_EQ(second.Read(1), ServerHello().substr(0, 1));
    EXPECT_EQ(rig.load(0).queued, 1u);
  }
}

TEST(Places, NobodyWaitsForABalancerThatStops) {
  const Server server;
  Rig rig({}, OnePlace(), {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  const Peer second = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  rig.SetStopping();
  EXPECT_EQ(second.ReadToEnd(), Alert(80));
  second.EndSending();
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kStopping));
}

TEST(Places, TheEndOfTheWorkerRefusesWhoWaits) {
  const Server server;
  Rig rig({}, OnePlace(), {server.address()});
  const Peer first = Greet(rig);
  const Peer backend = server.Accept();
  const Peer second = Greet(rig);
  ASSERT_TRUE(AwaitQueued(rig, 1));
  rig.Close({}, CloseReason::kShutdown);
  EXPECT_EQ(rig.load(0).queued, 0u);
  EXPECT_EQ(rig.load(0).pending, 0u);
}

}  // namespace
}  // namespace sstplb::worker
