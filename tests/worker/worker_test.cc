// One worker over real sockets: who is let in, where sessions go, and how they end.
//
// SPDX-License-Identifier: Apache-2.0
#include "lb/worker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "proxyproto/encode.h"
#include "tests/worker/rig.h"

namespace sstplb::worker {
namespace {

using session::CloseReason;
using std::chrono::milliseconds;
using ::testing::StartsWith;

std::string Alert(int description) {
  return std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(description);
}

TEST(Worker, WhatWasPeekedAndWhatFollowsArriveByteForByte) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  const Peer client = rig.Connect();
  const std::string hello = Hello();
  ASSERT_TRUE(client.Send(hello.substr(0, 50)));
  ASSERT_TRUE(client.Send(hello.substr(50) + "early data"));
  const Peer backend = server.Accept();
  EXPECT_EQ(backend.Read(hello.size() + 10), hello + "early data");
  ASSERT_TRUE(backend.Send("answer"));
  EXPECT_EQ(client.Read(6), "answer");
  ASSERT_EQ(rig.sessions().size(), 1u);
  const auto status = rig.sessions()[0];
  EXPECT_EQ(status.sni, "alpha.test");
  EXPECT_EQ(status.backend, "b1");
  EXPECT_EQ(status.to_backend_bytes, hello.size() + 10);
  EXPECT_EQ(status.to_client_bytes, 6u);
}

TEST(Worker, EitherSideMayEndFirstAndTheOtherGoesOn) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  for (const bool client_first : {true, false}) {
    const Peer client = rig.Connect();
    const std::string hello = Hello();
    ASSERT_TRUE(client.Send(hello));
    const Peer backend = server.Accept();
    ASSERT_EQ(backend.Read(hello.size()), hello);
    const Peer& first = client_first ? client : backend;
    const Peer& second = client_first ? backend : client;
    first.EndSending();
    EXPECT_TRUE(second.AtEnd());
    ASSERT_TRUE(second.Send("still here"));
    EXPECT_EQ(first.Read(10), "still here");
    second.EndSending();
    EXPECT_TRUE(first.AtEnd());
    EXPECT_TRUE(rig.AwaitClosed(client_first ? CloseReason::kClientEof : CloseReason::kBackendEof));
  }
}

TEST(Worker, AResetIsPassedOnAsAReset) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  for (const bool by_client : {true, false}) {
    Peer client = rig.Connect();
    const std::string hello = Hello();
    ASSERT_TRUE(client.Send(hello));
    Peer backend = server.Accept();
    ASSERT_EQ(backend.Read(hello.size()), hello);
    (by_client ? client : backend).Reset();
    EXPECT_TRUE((by_client ? backend : client).WasReset());
    EXPECT_TRUE(
        rig.AwaitClosed(by_client ? CloseReason::kClientReset : CloseReason::kBackendReset));
  }
}

TEST(Worker, AResetThatIsFirstNoticedByWritingIsPassedOnAsAReset) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  rig.WhileBusy([&] {
    ASSERT_TRUE(client.Send("for a backend that is gone"));
    ASSERT_TRUE(backend.Send("last words"));
    backend.Reset();
  });
  EXPECT_TRUE(rig.AwaitClosed(CloseReason::kBackendReset));
  EXPECT_EQ(client.Read(10), "last words");
  EXPECT_TRUE(client.WasReset());
}

TEST(Worker, AResetAfterAHalfCloseIsNoticedThoughNothingIsReadAnyMore) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  client.EndSending();
  EXPECT_TRUE(backend.AtEnd());
  client.Reset();
  EXPECT_TRUE(rig.AwaitClosed(CloseReason::kClientReset));
  EXPECT_FALSE(backend.Send("anybody there?")) << "a reset: an end would still take it";
}

TEST(Worker, ABusySessionGivesWayToTheOthers) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  // The first two send as much as the balancer takes; the third wants an answer.
  std::vector<Peer> peers;
  std::vector<std::thread> busy;
  std::atomic<bool> stop = false;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(rig.Connect());
    ASSERT_TRUE(peers.back().Send(Hello()));
    peers.push_back(server.Accept());
    ASSERT_EQ(peers.back().Read(Hello().size()), Hello());
  }
  for (std::size_t i = 0; i < peers.size(); i += 2) {
    busy.emplace_back([&, i] {
      const std::string lots(1 << 20, 'x');
      while (!stop && peers[i].Send(lots)) {
      }
      peers[i].EndSending();
    });
    busy.emplace_back([&, i] { (void)peers[i + 1].ReadToEnd(); });
  }
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(client.Send("ping"));
    ASSERT_EQ(backend.Read(4), "ping");
    ASSERT_TRUE(backend.Send("pong"));
    ASSERT_EQ(client.Read(4), "pong");
  }
  stop = true;
  for (auto& thread : busy) thread.join();
  std::uint64_t moved = 0;
  for (const auto& lane : rig.report().lanes) moved += lane.counters.to_backend_bytes;
  EXPECT_GT(moved, 1u << 20) << "the busy ones were busy";
}

TEST(Worker, AFailedConnectTriesTheNextCandidate) {
  const Server server;
  const Rig rig({}, {.balance = config::Balance::kRoundRobin, .connect_attempts = 3},
                {DeadAddress(), DeadAddress(), server.address()});
  for (int i = 0; i < 3; ++i) {  // round robin: whoever comes first, the living one gets it
    const Peer client = rig.Connect();
    ASSERT_TRUE(client.Send(Hello()));
    const Peer backend = server.Accept();
    EXPECT_EQ(backend.Read(Hello().size()), Hello());
  }
  std::uint64_t failures = 0;
  for (const auto& lane : rig.report().lanes) {
    failures +=
        lane.counters.connect_failures[static_cast<std::size_t>(session::ConnectFailure::kRefused)];
  }
  EXPECT_EQ(failures, 3u) << "two before b3 from b1, one from b2, none from b3";
}

TEST(Worker, WhereOnlyTheFirstCandidateWasLookedForTheOthersAreTriedToo) {
  const Server server;
  const Rig rig({}, {.balance = config::Balance::kConsistentHash, .connect_attempts = 3},
                {DeadAddress(), DeadAddress(), server.address()});
  for (int i = 0; i < 3; ++i) {  // whoever comes first
    const Peer client = rig.Connect();
    ASSERT_TRUE(client.Send(Hello()));
    const Peer backend = server.Accept();
    EXPECT_EQ(backend.Read(Hello().size()), Hello());
  }
}

TEST(Worker, WhenTheAttemptsAreUsedUpTheClientIsTold) {
  const SocketAddress dead = DeadAddress();
  const Rig rig({}, {.connect_attempts = 2}, {dead, dead, dead});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_EQ(client.ReadToEnd(), Alert(80));
  client.EndSending();
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kConnectFailed));
  std::uint64_t failures = 0;
  for (const auto& lane : rig.report().lanes) {
    failures +=
        lane.counters.connect_failures[static_cast<std::size_t>(session::ConnectFailure::kRefused)];
  }
  EXPECT_EQ(failures, 2u) << "three candidates, two attempts";
}

TEST(Worker, WithoutABackendTheClientIsToldAtOnce) {
  const Rig rig({}, {}, {});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_EQ(client.ReadToEnd(), Alert(80));
  client.EndSending();
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kNoBackend));
}

TEST(Worker, ABackendThatNeverAcceptsIsGivenUpAfterItsTimeout) {
  // A full accept queue drops further SYNs: one place, taken by nobody's accept.
  Fd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress::Parse("127.0.0.1:0")->ToSockaddr(storage);
  ASSERT_EQ(::bind(full.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  const Peer queued = Peer::Connect(*LocalAddress(full.get()));
  const Rig rig({}, {.connect_timeout = milliseconds(200), .connect_attempts = 1},
                {*LocalAddress(full.get())});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_EQ(client.ReadToEnd(), Alert(80));
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kConnectFailed));
}

// Both sides are closed, for that reason, though neither has said a word.
void ExpectSilenceEnds(const config::Listener& listener, CloseReason reason) {
  const Server server;
  const Rig rig(listener, {}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(backend.AtEnd());
  EXPECT_TRUE(rig.AwaitClosed(reason));
}

TEST(Worker, ASessionThatIsSilentForTooLongIsClosed) {
  ExpectSilenceEnds({.idle_timeout = milliseconds(300)}, CloseReason::kIdle);
}

TEST(Worker, ATunnelWithoutARhythmIsDead) {
  ExpectSilenceEnds({.rhythm = milliseconds(200)}, CloseReason::kDead);
}

TEST(Worker, WhatIsNoTlsHasNoRhythm) {
  const Server server;
  const Rig rig({.not_tls = config::PoolOrRefuse::kPool,
                 .idle_timeout = milliseconds(300),
                 .rhythm = milliseconds(20)},
                {}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send("SSH-2.0-x"));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(9), "SSH-2.0-x");
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(rig.AwaitClosed(CloseReason::kIdle));
}

// Whatever the other side does, when one has ended in the middle of the handshake.
TEST(Worker, WhoseHandshakeIsCutOffIsClosedSoon) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  const Peer stays = rig.Connect();
  ASSERT_TRUE(stays.Send(Hello()));
  const Peer leaves_it = server.Accept();
  ASSERT_EQ(leaves_it.Read(Hello().size()), Hello());
  const Peer leaves = rig.Connect();
  ASSERT_TRUE(leaves.Send(Hello()));
  const Peer hangs = server.Accept();
  leaves_it.EndSending();
  leaves.EndSending();
  EXPECT_TRUE(rig.AwaitClosed(CloseReason::kBackendEof));
  EXPECT_TRUE(rig.AwaitClosed(CloseReason::kClientEof));
  EXPECT_EQ(rig.load(0).pending, 0u);
}

TEST(Worker, TellsWhoIsSilent) {
  const Server server;
  const Rig rig({.rhythm = std::chrono::seconds(60)}, {}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  const auto status = rig.sessions().at(0);
  EXPECT_EQ(status.liveness, session::Liveness::kHandshaking);
  EXPECT_EQ(status.idle, std::min(status.client_idle, status.backend_idle));
  const Report report = rig.FullReport();
  ASSERT_EQ(report.liveness.size(), 1u);
  EXPECT_EQ(report.liveness[0].backend, "b1");
  EXPECT_THAT(report.liveness[0].sessions, ::testing::ElementsAre(1, 0, 0, 0, 0));
}

TEST(Worker, AllowAndDenyLookAtTheClient) {
  const Server server;
  const Rig denied({.deny = {*Cidr::Parse("127.0.0.0/8")}}, {}, {server.address()});
  const Peer client = denied.Connect();
  (void)client.Send(Hello());
  EXPECT_TRUE(denied.AwaitRefused(CloseReason::kDenied));
  const Rig not_allowed({.allow = {*Cidr::Parse("10.0.0.0/8")}}, {}, {server.address()});
  const Peer other = not_allowed.Connect();
  (void)other.Send(Hello());
  EXPECT_TRUE(not_allowed.AwaitRefused(CloseReason::kDenied));
  EXPECT_FALSE(server.HasClient());
}

TEST(Worker, CapsAndRatesRefuseWhatIsOver) {
  const Server server;
  const Rig capped({.max_sessions_per_source = 1}, {}, {server.address()});
  const Peer first = capped.Connect();
  ASSERT_TRUE(first.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  const Peer second = capped.Connect();
  (void)second.Send(Hello());
  EXPECT_TRUE(capped.AwaitRefused(CloseReason::kSourceSessions));

  const Rig slow({.session_rate = config::Rate{.per_second = 0.001, .burst = 1}}, {},
                 {server.address()});
  const Peer admitted = slow.Connect();
  ASSERT_TRUE(admitted.Send(Hello()));
  const Peer served = server.Accept();
  ASSERT_EQ(served.Read(Hello().size()), Hello());
  const Peer late = slow.Connect();
  (void)late.Send(Hello());
  EXPECT_TRUE(slow.AwaitRefused(CloseReason::kListenerRate));
}

TEST(Worker, TheWholeBalancerHasItsCap) {
  const Server server;
  const Rig rig({}, {}, {server.address()}, /*max_sessions=*/1);
  const Peer first = rig.Connect();
  ASSERT_TRUE(first.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  const Peer second = rig.Connect();
  (void)second.Send(Hello());
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kMaxSessions));
  EXPECT_EQ(rig.sessions().size(), 1u);
}

TEST(Worker, WithoutDescriptorsClientsAreTurnedAwayAndLiveSessionsGoOn) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  const std::string hello = Hello();
  const Peer live = rig.Connect();
  ASSERT_TRUE(live.Send(hello));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(hello.size()), hello);
  const Peer unlucky = rig.Connect();

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // No number is free below the next one: only what is closed can be opened again.
  const int next = ::dup(0);
  ::close(next);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  (void)unlucky.Send(hello);
  EXPECT_TRUE(rig.AwaitRefused(CloseReason::kMaxSessions));
  EXPECT_TRUE(live.Send("ping"));
  EXPECT_EQ(backend.Read(4), "ping");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);

  const Peer after = rig.Connect();
  ASSERT_TRUE(after.Send(Hello()));
  EXPECT_EQ(server.Accept().Read(Hello().size()), Hello());
}

TEST(Worker, TheHeaderAndTheHelloComeTogether) {
  const Server server;
  const Rig rig({}, {.proxy_protocol = config::ProxyProtocol::kV1}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  Bytes expected;
  proxyproto::EncodeV1(*LocalAddress(client.fd()), rig.address(), expected);
  const std::string whole = std::string(AsText(expected)) + Hello();
  std::string got(whole.size(), '\0');
  // One receive: what does not come at once would be dropped by other receivers.
  EXPECT_EQ(::recv(backend.fd(), got.data(), got.size(), 0), static_cast<ssize_t>(whole.size()));
  EXPECT_EQ(got, whole);
}

TEST(Worker, SessionsLeaveFromTheConfiguredAddresses) {
  const Server server;
  const Rig rig({}, {.source = {*IpAddress::Parse("127.9.9.9")}}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  EXPECT_EQ(PeerAddress(backend.fd())->ip.ToString(), "127.9.9.9");
}

TEST(Worker, Ipv6OnBothSides) {
  const Server server("::1");
  const Rig rig({.bind = {*SocketAddress::Parse("[::1]:0")}}, {}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_EQ(server.Accept().Read(Hello().size()), Hello());
  EXPECT_THAT(rig.address().ToString(), StartsWith("[::1]:"));
}

TEST(Worker, ASocketThatDoesNotListenCostsNothing) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  rig.StopListening();
  const std::uint64_t before = rig.Turns();
  constexpr std::uint64_t kQuestions = 200;
  for (std::uint64_t i = 0; i < kQuestions; ++i) (void)rig.Turns();
  EXPECT_LE(rig.Turns() - before, kQuestions + 10) << "a turn for each question, and no more";
}

TEST(Worker, ClosesWhatItIsTold) {
  const Server server;
  const Rig rig({}, {}, {server.address()});
  const Peer client = rig.Connect();
  ASSERT_TRUE(client.Send(Hello()));
  const Peer backend = server.Accept();
  ASSERT_EQ(backend.Read(Hello().size()), Hello());
  session::SessionFilter other;
  other.pool = "main";
  other.backend = "b2";
  EXPECT_EQ(rig.Close(other, CloseReason::kDrained), 0u);
  other.backend = "b1";
  EXPECT_EQ(rig.Close(other, CloseReason::kDrained), 1u);
  EXPECT_TRUE(client.AtEnd());
  EXPECT_TRUE(backend.AtEnd());
  EXPECT_EQ(rig.Closed(CloseReason::kDrained), 1u);
  EXPECT_TRUE(rig.sessions().empty());
}

}  // namespace
}  // namespace sstplb::worker
