// The new process against an old one that fails it: it has everything, or touches nothing.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/takeover_side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "lb/handoff/session_codec.h"
#include "lb/session/tcp_socket.h"
#include "tests/handoff/house.h"

namespace sstplb::handoff {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using worker::Peer;
using worker::Server;

constexpr session::SessionId kRelaying = 1 << worker::kWorkerBits;
constexpr session::SessionId kGreeting = 2 << worker::kWorkerBits;

// What an old process sends, in order.
enum Sent : std::size_t {
  kNothing,
  kOffer,
  kSockets,
  kConfig,
  kDecisions,
  kBackends,
  kAffinity,
  kControl,
  kSessions,
  kMotions,
  kGreetings,
  kEnd,
  kCommit,
};

// A connection on loopback and its two ends.
struct Line {
  explicit Line(const Server& at) : near(Peer::Connect(at.address())), far(at.Accept()) {}
  Peer near;
  Peer far;
};

// An old process that follows a script, with a session that relays and one that greets.
class OldProcess {
 public:
  struct Turn {
    MessageType type;
    Bytes body;
    std::vector<int> fds;
    std::optional<MessageType> answer;  // that is awaited
  };

  OldProcess() : client(clients), backend(backends), greeting(clients) {
    auto listening = session::Listen(*SocketAddress::Parse("127.0.0.1:0"), {});
    listening_ = std::move(*listening);
    Bytes body;
    EncodeOffer({.workers = 1, .sessions = 2, .program = "0.1-old"}, body);
    script.push_back({MessageType::kOffer, body, {}, std::nullopt});
    OfferedSocket socket;
    socket.name = "vpn";
    body.clear();
    EncodeSocket(socket, body);
    script.push_back({MessageType::kSockets, body, {listening_.get()}, MessageType::kAck});
    script.push_back({MessageType::kConfig, {}, {}, std::nullopt});
    script.push_back({MessageType::kDecisions, {}, {}, std::nullopt});
    script.push_back({MessageType::kBackends, {}, {}, std::nullopt});
    script.push_back({MessageType::kAffinity, {}, {}, std::nullopt});
    body.clear();
    EncodeControl({}, body);
    script.push_back({MessageType::kControl, body, {}, MessageType::kReady});
    script.push_back({MessageType::kSessions,
                      Identity(),
                      {client.far.fd(), backend.near.fd()},
                      MessageType::kAck});
    script.push_back({MessageType::kMotions, Motion(kRelaying), {}, std::nullopt});
    script.push_back({MessageType::kGreetings, Greeting(), {greeting.far.fd()}, MessageType::kAck});
    script.push_back(
        {MessageType::kEnd, End({.relaying = 1, .greeting = 1}), {}, MessageType::kPrepared});
    script.push_back({MessageType::kCommit, {}, {}, MessageType::kTaken});
  }

  // Sends the first so many messages.
  void Follow(std::size_t sends = std::numeric_limits<std::size_t>::max()) {
    channel.emplace(door.Accept());
    EXPECT_TRUE(Await(MessageType::kHello));
    for (std::size_t i = 0; i < std::min(sends, script.size()); ++i) {
      EXPECT_TRUE(channel->Send(script[i].type, script[i].body, script[i].fds).ok());
      if (script[i].answer && !Await(*script[i].answer)) return;
    }
  }
  bool Await(MessageType type) {
    const auto message = channel->Receive(seconds(10));
    if (message && message->type == MessageType::kAbort) aborted = AsText(message->body);
    return message && message->type == type;
  }

  static Bytes Identity() {
    session::Identity identity;
    identity.id = kRelaying;
    identity.listener = "vpn";
    identity.pool = "main";
    identity.backend = "b1";
    identity.client = *SocketAddress::Parse("127.0.0.1:1000");
    identity.backend_address = *SocketAddress::Parse("127.0.0.1:2000");
    identity.idle_timeout = seconds(900);
    identity.opened = identity.connected = Clock::now();
    Bytes body;
    EncodeIdentity(identity, body);
    return body;
  }
  // With a word that waits each way.
  static Bytes Motion(session::SessionId id) {
    session::Motion motion;
    motion.id = id;
    motion.client_spoke = motion.backend_spoke = Clock::now();
    motion.to_backend.bytes = 1000;
    motion.to_backend.held = {'u', 'p'};
    motion.to_client.held = {'d', 'o', 'w', 'n'};
    Bytes body;
    EncodeMotion(motion, true, body);
    return body;
  }
  static Bytes Greeting() {
    session::GreetingImage greeting;
    greeting.id = kGreeting;
    greeting.listener = "vpn";
    greeting.peer = *SocketAddress::Parse("127.0.0.1:3000");
    greeting.opened = greeting.last_byte = Clock::now();
    const std::string half = worker::Hello().substr(0, 50);
    greeting.read.assign(half.begin(), half.end());
    Bytes body;
    EncodeGreeting(greeting, body);
    return body;
  }
  static Bytes End(handoff::End end) {
    Bytes body;
    end.frozen = Clock::now();
    EncodeEnd(end, body);
    return body;
  }

  const Server clients;
  const Server backends;
  Line client;    // near: the client's
  Line backend;   // far: the backend's
  Line greeting;  // near: the client's
  const Door door;
  std::vector<Turn> script;
  std::optional<Channel> channel;
  std::string aborted;  // what the new process said instead

 private:
  Fd listening_;
};

// A new process, and how far it came.
class Young {
 public:
  explicit Young(const OldProcess& old)
      : server_(old.backends), house({server_.address()}, 1), door_(old.door) {}

  void Take() {
    auto side = TakeoverSide::Connect(door_.path(), "0.1-new");
    ASSERT_TRUE(side);
    auto got = side->TakeEstate(1000);
    if (!got) {
      error = got.error();
      return;
    }
    has_estate = true;
    house.Inherit(std::move(got->sockets));
    const auto sessions = side->TakeSessions(house.workers(), house.plan());
    if (!sessions) {
      error = sessions.error();
      return;
    }
    taken = *sessions;
  }

 private:
  const Server& server_;

 public:
  House house;
  bool has_estate = false;
  std::optional<TakeError> error;
  std::optional<Taken> taken;

 private:
  const Door& door_;
};

void ExpectEverythingGoesOn(OldProcess& old, Young& young) {
  ASSERT_TRUE(young.taken);
  EXPECT_FALSE(young.taken->old_is_gone);
  EXPECT_EQ(young.taken->sessions, 2u);
  young.house.Start();
  EXPECT_EQ(old.backend.far.Read(2), "up");
  EXPECT_EQ(old.client.near.Read(4), "down");
  ASSERT_TRUE(old.client.near.Send("more"));
  EXPECT_EQ(old.backend.far.Read(4), "more");
  ASSERT_TRUE(old.greeting.near.Send(worker::Hello().substr(50)));
  EXPECT_EQ(old.backends.Accept().Read(worker::Hello().size()), worker::Hello());
  EXPECT_TRUE(young.house.Await([](const Sessions& now) {
    return now.size() == 2 &&
           std::ranges::count(now, 1004u, &session::SessionStatus::to_backend_bytes) == 1;
  }));
  const auto another = OpenTunnel(young.house, old.backends);
  EXPECT_TRUE(another.Carries("a new one"));
  EXPECT_EQ(young.house.active(), 3u);
}

TEST(TakeoverSide, WithoutAFailureEverythingIsTaken) {
  OldProcess old;
  auto giving = std::async(std::launch::async, [&] { old.Follow(); });
  Young young(old);
  young.Take();
  giving.get();
  EXPECT_EQ(old.aborted, "");
  ExpectEverythingGoesOn(old, young);
}

class TakeoverSideWhosePredecessorStops : public ::testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Messages, TakeoverSideWhosePredecessorStops,
                         ::testing::Range<std::size_t>(kNothing, kCommit));

TEST_P(TakeoverSideWhosePredecessorStops, AndVanishes) {
  OldProcess old;
  auto giving = std::async(std::launch::async, [&] {
    old.Follow(GetParam());
    old.channel.reset();
  });
  Young young(old);
  young.Take();
  giving.get();
  if (GetParam() < kControl) {
    ASSERT_TRUE(young.error);
    EXPECT_TRUE(young.error->old_is_gone);
    EXPECT_FALSE(young.has_estate);
  } else if (GetParam() < kEnd) {
    // Its bytes went on moving: only the listening sockets are of use.
    ASSERT_TRUE(young.taken);
    EXPECT_TRUE(young.taken->old_is_gone);
    EXPECT_EQ(young.taken->sessions, 0u);
    young.house.Start();
    EXPECT_TRUE(OpenTunnel(young.house, old.backends).Carries("a new one"));
    EXPECT_TRUE(young.house.Await([](const Sessions& now) {
      return std::ranges::count(now, kRelaying, &session::SessionStatus::id) == 0;
    }));
  } else {
    ExpectEverythingGoesOn(old, young);
  }
}

TEST_P(TakeoverSideWhosePredecessorStops, AndAborts) {
  OldProcess old;
  auto giving = std::async(std::launch::async, [&] {
    old.Follow(GetParam());
    (void)old.channel->Send(MessageType::kAbort, AsBytes("a reload came"));
    old.channel.reset();
  });
  Young young(old);
  young.Take();
  giving.get();
  ASSERT_TRUE(young.error);
  EXPECT_FALSE(young.error->old_is_gone);
  EXPECT_EQ(young.error->message, "a reload came");
}

struct Spoiled {
  std::string name;
  std::size_t after;  // the messages before it are as they should be
  std::function<void(OldProcess&)> spoil;
  std::string why;
};

class TakeoverSideFromOneThatBreaks : public ::testing::TestWithParam<Spoiled> {};

TEST_P(TakeoverSideFromOneThatBreaks, TheFormatAndIsTold) {
  OldProcess old;
  GetParam().spoil(old);
  auto giving = std::async(std::launch::async, [&] {
    old.Follow(GetParam().after + 1);
    if (old.aborted.empty()) old.Await(MessageType::kAbort);
    old.channel.reset();
  });
  Young young(old);
  young.Take();
  giving.get();
  ASSERT_TRUE(young.error);
  EXPECT_FALSE(young.error->old_is_gone);
  EXPECT_THAT(young.error->message, HasSubstr(GetParam().why));
  EXPECT_EQ(old.aborted, young.error->message);
}

const Spoiled kSpoiled[] = {
    {"NoOffer", kNothing, [](OldProcess& old) { old.script[kNothing].type = MessageType::kConfig; },
     "OFFER was due"},
    {"OfferOfRandomBytes", kNothing,
     [](OldProcess& old) {
       old.script[kNothing].body = {1, 2, 3, 4, 5};
     },
     "OFFER was due"},
    {"SocketsWithoutDescriptors", kOffer, [](OldProcess& old) { old.script[kOffer].fds.clear(); },
     "SOCKETS"},
    {"BackendsOfRandomBytes", kDecisions,
     [](OldProcess& old) {
       old.script[kDecisions].body = {1, 2, 3, 4, 5};
     },
     "BACKENDS"},
    {"AffinityOfRandomBytes", kBackends,
     [](OldProcess& old) {
       old.script[kBackends].body = {1, 2, 3, 4, 5};
     },
     "AFFINITY"},
    {"ControlOfRandomBytes", kAffinity,
     [](OldProcess& old) {
       old.script[kAffinity].body = {1, 2, 3, 4, 5};
     },
     "CONTROL"},
    {"SomethingElseForTheState", kConfig,
     [](OldProcess& old) { old.script[kConfig].type = MessageType::kCommit; }, "COMMIT"},
    {"SessionsOfRandomBytes", kControl,
     [](OldProcess& old) {
       old.script[kControl].body = {1, 2, 3, 4, 5};
     },
     "SESSIONS"},
    {"SessionsWithoutTheirDescriptors", kControl,
     [](OldProcess& old) { old.script[kControl].fds.pop_back(); }, "SESSIONS"},
    {"ASessionTwice", kControl,
     [](OldProcess& old) {
       auto& line = old.script[kControl];
       const Bytes one = line.body;
       line.body.insert(line.body.end(), one.begin(), one.end());
       line.fds.insert(line.fds.end(), {line.fds[0], line.fds[1]});
     },
     "came twice"},
    {"AMotionOfNobody", kSessions,
     [](OldProcess& old) { old.script[kSessions].body = OldProcess::Motion(77); },
     "which did not come"},
    {"AMotionTwice", kSessions,
     [](OldProcess& old) {
       Bytes& body = old.script[kSessions].body;
       const Bytes one = body;
       body.insert(body.end(), one.begin(), one.end());
     },
     "which did not come"},
    {"GreetingsWithoutTheirDescriptors", kMotions,
     [](OldProcess& old) { old.script[kMotions].fds.clear(); }, "GREETINGS"},
    {"FewerThanTheEndSays", kGreetings,
     [](OldProcess& old) {
       old.script[kGreetings].body = OldProcess::End({.relaying = 2, .greeting = 1});
     },
     "were to come"},
    {"SomethingElseThanACommit", kEnd,
     [](OldProcess& old) { old.script[kEnd].type = MessageType::kSessions; }, "COMMIT was due"},
};

INSTANTIATE_TEST_SUITE_P(All, TakeoverSideFromOneThatBreaks, ::testing::ValuesIn(kSpoiled),
                         [](const auto& row) { return row.param.name; });

// One that came while the old process served, and has no motion: it has ended there.
TEST(TakeoverSide, WhatHasEndedMeanwhileIsLetGo) {
  OldProcess old;
  old.script[kSessions].body.clear();
  old.script[kGreetings].body = OldProcess::End({.relaying = 0, .greeting = 1});
  auto giving = std::async(std::launch::async, [&] { old.Follow(); });
  Young young(old);
  young.Take();
  giving.get();
  ASSERT_TRUE(young.taken);
  EXPECT_EQ(young.taken->sessions, 1u);
  young.house.Start();
  EXPECT_TRUE(young.house.AwaitCount(1));
  EXPECT_EQ(young.house.active(), 1u);
}

TEST(TakeoverSide, ABackendThatIsNotConfiguredHereKeepsItsSession) {
  OldProcess old;
  auto giving = std::async(std::launch::async, [&] { old.Follow(); });
  House other({worker::DeadAddress()}, 1, {}, {.connect_attempts = 1});
  auto side = TakeoverSide::Connect(old.door.path(), "0.1-new");
  ASSERT_TRUE(side);
  auto estate = side->TakeEstate(1000);
  ASSERT_TRUE(estate);
  session::Plan nothing;
  const auto taken = side->TakeSessions(other.workers(), nothing);
  ASSERT_TRUE(taken);
  other.Start();
  giving.get();
  EXPECT_EQ(old.backend.far.Read(2), "up");
  EXPECT_EQ(old.client.near.Read(4), "down");
}

}  // namespace
}  // namespace sstplb::handoff
