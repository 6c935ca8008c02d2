// The old process against a new one that fails it: at every message everything goes on here.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/handoff/handoff_side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <thread>

#include "lb/handoff/session_codec.h"
#include "tests/handoff/house.h"
#include "tests/handoff/script.h"

namespace sstplb::handoff {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using worker::Peer;
using worker::Server;

// What a new process sends, in order, when one worker has a session that relays and one that
// greets.
enum Sent : std::size_t {
  kNothing,
  kHello,
  kSocketsAck,
  kReady,
  kSessionsAck,
  kGreetingsAck,
  kPrepared,
  kTaken,
};

// An old process with a session that relays, another that greets, and one that tries to follow.
class OldProcess {
 public:
  OldProcess() {
    house.Open();
    tunnel.emplace(OpenTunnel(house, server));
    greeting.emplace(house.Connect());
    EXPECT_TRUE(greeting->Send(worker::Hello().substr(0, 50)));
    EXPECT_TRUE(house.AwaitCount(2));
    giving = std::async(std::launch::async,
                        [this] { return GiveAtDoor(door, house, bystander, open_files); });
    successor.emplace(door.path());
  }
  ~OldProcess() {
    if (giving.valid()) giving.wait();
  }

  // The end of the attempt, which is a failure: all is as it was.
  std::string AwaitFailure() {
    const auto given = giving.get();
    EXPECT_FALSE(given);
    EXPECT_TRUE(GoesOn());
    return given ? "" : given.error().message;
  }
  bool GoesOn() const {
    if (!tunnel->Carries("as before")) return false;
    if (!greeting->Send(worker::Hello().substr(50))) return false;
    if (server.Accept().Read(worker::Hello().size()) != worker::Hello()) return false;
    return OpenTunnel(house, server).Carries("a new one") && house.active() >= 2;
  }

  std::uint32_t open_files = 10;
  const Server server;
  const Door door;
  const Bystander bystander;
  // A greeting that outlives every patience.
  House house{{server.address()}, 1, {.hello_timeout = seconds(60)}};
  std::optional<Tunnel> tunnel;
  std::optional<Peer> greeting;
  std::future<Result<Given>> giving;
  std::optional<NewProcess> successor;
};

TEST(HandoffSide, WithoutAFailureEverythingIsGiven) {
  OldProcess old;
  old.successor->Follow();
  EXPECT_EQ(old.successor->sent(), kTaken);
  const auto given = old.giving.get();
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->sessions, 2u);
  EXPECT_LT(given->frozen, seconds(2));
  EXPECT_TRUE(old.house.AwaitLetGo());
  EXPECT_FALSE(old.bystander.AwaitKilled(Duration::zero()));
}

class HandoffSideWhoseSuccessorStops : public ::testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Messages, HandoffSideWhoseSuccessorStops,
                         ::testing::Range<std::size_t>(kNothing, kTaken));

TEST_P(HandoffSideWhoseSuccessorStops, AndVanishes) {
  OldProcess old;
  old.successor->Follow(GetParam());
  EXPECT_EQ(old.successor->sent(), GetParam());
  old.successor->Vanish();
  old.AwaitFailure();
}

TEST_P(HandoffSideWhoseSuccessorStops, AndAborts) {
  OldProcess old;
  old.successor->Follow(GetParam());
  old.successor->Say(MessageType::kAbort, AsBytes("the port is taken"));
  const auto at = Clock::now();
  if (GetParam() == kPrepared) old.successor->Vanish();  // too late for words
  const std::string why = old.AwaitFailure();
  EXPECT_LT(Clock::now() - at, seconds(5));
  if (GetParam() != kPrepared) {
    EXPECT_EQ(why, "the port is taken");
  }
}

TEST_P(HandoffSideWhoseSuccessorStops, AndSaysSomethingElse) {
  if (GetParam() == kPrepared) return;
  OldProcess old;
  old.successor->Follow(GetParam());
  old.successor->Say(MessageType::kOffer);
  EXPECT_TRUE(old.successor->AwaitAbort(seconds(10)));
  old.AwaitFailure();
  EXPECT_FALSE(old.bystander.AwaitKilled(Duration::zero()));
}

// A new process that is not told would take the end of the connection for the old one's death, and
// serve beside it.
TEST(HandoffSide, OneThatIsSilentIsToldWhenItIsGivenUp) {
  const auto silent_after = [](std::size_t sends, Duration within) {
    OldProcess old;
    old.successor->Follow(sends);
    const auto since = Clock::now();
    EXPECT_TRUE(old.successor->AwaitAbort(seconds(15))) << sends;
    EXPECT_LT(Clock::now() - since, within) << sends;
    old.AwaitFailure();
    EXPECT_FALSE(old.bystander.AwaitKilled(Duration::zero())) << sends;
  };
  // Each waits for some seconds: all at once.
  std::vector<std::future<void>> all;
  for (const std::size_t sends : {kNothing, kHello, kReady}) {
    all.push_back(std::async(std::launch::async, silent_after, sends, seconds(8)));
  }
  // Nothing moves meanwhile: less patience.
  for (const std::size_t sends : {kSessionsAck, kGreetingsAck}) {
    all.push_back(std::async(std::launch::async, silent_after, sends, milliseconds(3500)));
  }
}

TEST(HandoffSide, OneThatDoesNotAnswerACommitIsKilled) {
  OldProcess old;
  old.successor->Follow(kPrepared);
  EXPECT_TRUE(old.bystander.AwaitKilled(seconds(10)));
  old.successor->Vanish();
  old.AwaitFailure();
}

TEST(HandoffSide, OneThatHadTakenEverythingBeforeItWasKilledHasIt) {
  OldProcess old;
  old.successor->Follow(kPrepared);
  EXPECT_TRUE(old.bystander.AwaitKilled(seconds(10)));
  old.successor->Say(MessageType::kTaken);
  const auto given = old.giving.get();
  EXPECT_TRUE(given) << given.error().message;
}

TEST(HandoffSide, OneThatDoesNotReadIsKilledAndNotLeftInDoubt) {
  const Server server;
  House house({server.address()}, 1);
  house.Open();
  const Tunnel tunnel = OpenTunnel(house, server);
  const Door door;
  const Bystander bystander;
  auto giving = std::async(std::launch::async, [&] {
    HandoffSide side(door.Accept(), bystander.pidfd(), house.workers(), "0.1-old");
    if (const auto greeted = side.Greet(10); !greeted) return Result<Given>(greeted.error());
    Estate estate = house.MakeEstate();
    estate.state.config = std::string(Channel::kMaxBody, 'x');  // more than the kernel keeps
    return side.Give(estate);
  });
  NewProcess successor(door.path());
  // Acknowledges the sockets, and reads no more.
  successor.on_message = [&](const Message& message) {
    if (message.type != MessageType::kSockets) return;
    successor.Say(MessageType::kAck);
    EXPECT_TRUE(bystander.AwaitKilled(seconds(15)));
    successor.Vanish();
  };
  successor.Follow(kSocketsAck);
  EXPECT_FALSE(giving.get());
  EXPECT_TRUE(tunnel.Carries("as before"));
}

TEST(HandoffSide, AnotherVersionIsToldWhy) {
  OldProcess old;
  old.successor->hello.lowest = 7;
  old.successor->hello.highest = 9;
  old.successor->Follow(kHello);
  ASSERT_FALSE(old.successor->heard().empty());
  const Message& told = old.successor->heard().back();
  EXPECT_EQ(told.type, MessageType::kAbort);
  EXPECT_THAT(std::string(AsText(told.body)), HasSubstr("versions 7 to 9"));
  EXPECT_THAT(old.AwaitFailure(), HasSubstr("versions 7 to 9"));
}

TEST(HandoffSide, ALaterVersionThatSpeaksThisOneIsAnswered) {
  OldProcess old;
  old.successor->hello.highest = 9;
  old.successor->hello.features = 0xffff;
  old.successor->Follow();
  EXPECT_TRUE(old.giving.get());
  const auto offer = DecodeOffer(old.successor->heard().front().body);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->version, kHighestVersion);
  EXPECT_EQ(offer->features, kFeatures);
  EXPECT_EQ(offer->workers, 1u);
  EXPECT_EQ(offer->sessions, 2u);
}

TEST(HandoffSide, TooFewOpenFilesAreToldWhy) {
  OldProcess old;
  old.successor->hello.descriptors = 9;
  old.successor->Follow(kHello);
  EXPECT_THAT(old.AwaitFailure(), HasSubstr("LimitNOFILE"));
}

TEST(HandoffSide, SomethingElseThanAHelloIsToldSo) {
  OldProcess old;
  old.successor->Say(MessageType::kHello, AsBytes("good morning"));
  const auto told = old.successor->AwaitAbort(seconds(10));
  ASSERT_TRUE(told);
  EXPECT_THAT(*told, HasSubstr("no HELLO"));
  old.AwaitFailure();
}

TEST(HandoffSide, TheObserverStaysHereWithoutItsFeature) {
  for (const bool understood : {true, false}) {
    OldProcess old;
    if (!understood) old.successor->hello.features = 0;
    std::size_t size = 0;
    old.successor->on_message = [&](const Message& message) {
      if (message.type != MessageType::kMotions) return;
      Reader body(message.body);
      const auto motion = DecodeMotion(body);
      ASSERT_TRUE(motion);
      size = motion->observer.size();
    };
    old.successor->Follow();
    EXPECT_TRUE(old.giving.get());
    EXPECT_EQ(size > 0, understood) << "the handshake is under way: its hello has passed";
  }
}

// It is in the first list of sessions, but not as one that could be copied ahead.
TEST(HandoffSide, AGreetingThatIsConnectedMeanwhileComesWithItsIdentity) {
  OldProcess old;
  std::vector<session::SessionId> identities;
  std::vector<session::SessionId> motions;
  old.successor->on_message = [&](const Message& message) {
    Reader body(message.body);
    while (message.type == MessageType::kMotions && !body.empty()) {
      motions.push_back(DecodeMotion(body)->id);
    }
    if (message.type != MessageType::kSessions) return;
    while (!body.empty()) identities.push_back(DecodeIdentity(body)->id);
    if (identities.size() > 1) return;
    EXPECT_TRUE(old.greeting->Send(worker::Hello().substr(50)));
    EXPECT_EQ(old.server.Accept().Read(worker::Hello().size()), worker::Hello());
  };
  old.successor->Follow();
  const auto given = old.giving.get();
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_THAT(identities, ::testing::UnorderedElementsAreArray(motions));
  EXPECT_EQ(motions.size(), 2u);
}

TEST(HandoffSide, OneThatEndsMeanwhileHasNoMotion) {
  OldProcess old;
  std::size_t motions = 0;
  old.successor->on_message = [&](const Message& message) {
    if (message.type == MessageType::kMotions) ++motions;
    if (message.type != MessageType::kSessions) return;
    old.tunnel->client.Reset();
    EXPECT_TRUE(old.house.AwaitCount(1));
  };
  old.successor->Follow();
  const auto given = old.giving.get();
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->sessions, 1u);
  EXPECT_EQ(motions, 0u);
}

TEST(HandoffSide, SeveralFailuresAndThenASuccess) {
  OldProcess old;
  for (const std::size_t sends : {kHello, kReady, kGreetingsAck, kPrepared}) {
    old.successor->Follow(sends);
    old.successor->Vanish();
    EXPECT_FALSE(old.giving.get());
    EXPECT_TRUE(old.tunnel->Carries("as before"));
    old.giving = std::async(std::launch::async,
                            [&] { return GiveAtDoor(old.door, old.house, old.bystander); });
    old.successor.emplace(old.door.path());
  }
  old.successor->Follow();
  EXPECT_TRUE(old.giving.get());
}

}  // namespace
}  // namespace sstplb::handoff
