// Probes that end well, that fail and that are dropped leave no descriptor behind.
//
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

#include <array>
#include <vector>

#include "tests/probes/sstp_server.h"

namespace sstplb::probes {
namespace {

using std::chrono::milliseconds;

std::size_t OpenDescriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

// The server's own ends do not count.
std::size_t ConnectionsTo(const SocketAddress& address) {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += PeerAddress(fd) == address ? 1 : 0;
  return count;
}

TEST(Leak, TwoHundredProbesOfEveryEnding) {
  SstpServer server(Ok200(), [](Connection& c) {
    if (c.ReceiveExactly(14).empty()) return;
    c.Send(sstp::EncodeCallConnectAck({}));
    c.ReceiveExactly(8);
  });
  const Fd refused = Listen(-1);
  const Fd hung = Listen(64);
  std::vector<ProbeRequest> requests = {
      RequestFor(config::ProbeKind::kTcp, server.address()),
      RequestFor(config::ProbeKind::kTls, server.address()),
      RequestFor(config::ProbeKind::kSstp, server.address()),
      CallRequest(server.address()),
      RequestFor(config::ProbeKind::kSstp, LocalAddress(refused.get()).value()),
      RequestFor(config::ProbeKind::kSstp, LocalAddress(hung.get()).value()),
      RequestFor(config::ProbeKind::kExec, server.address()),
      RequestFor(config::ProbeKind::kExec, server.address()),
  };
  requests[3].settings.server = config::ServerKind::kSoftEther;  // without the 300 ms of watching
  requests[5].settings.timeout = milliseconds(60);
  requests[6].settings.command = {"true"};
  requests[7].settings.command = {"sleep", "9"};
  requests[7].settings.timeout = milliseconds(60);
  const std::array expected = {"ok",          "ok", "ok",          "ok", "connect_refused",
                               "tls_timeout", "ok", "exec_timeout"};
  for (const ProbeRequest& request : requests) RunProbe(request);  // what is made once

  const std::size_t before = OpenDescriptors();
  for (int round = 0; round < 25; ++round) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const ProbeReport report = RunProbe(requests[i]);
      ASSERT_EQ(Word(report), expected[i]) << i << ": " << report.detail;
    }
  }
  server.Stop();
  EXPECT_EQ(OpenDescriptors(), before);
}

// At every moment of a probe's life, on one loop.
TEST(Leak, DroppedInMidFlight) {
  SstpServer server(Ok200(), [](Connection& c) {
    c.ReceiveExactly(14);
    c.Send(sstp::EncodeCallConnectAck({}));
    c.ReceiveExactly(8);
  });
  Loop loop;
  TlsContexts contexts;
  ProbeRequest request = CallRequest(server.address());
  request.settings.server = config::ServerKind::kSoftEther;  // without the 300 ms of watching
  std::size_t seen = 0;
  bool ended = false;
  for (int turns = 0; !ended && turns < 100; ++turns) {
    std::unique_ptr<Probe> probe = MakeProbe(loop, contexts, request);
    probe->Start([&](const ProbeReport&) { ended = true; });
    for (int i = 0; i < turns && !ended; ++i) loop.ev().run(ev::ONCE);
    seen += ConnectionsTo(server.address());
    probe.reset();
    loop.ev().run(ev::NOWAIT);
    ASSERT_EQ(ConnectionsTo(server.address()), 0u) << "after " << turns << " turns of the loop";
  }
  EXPECT_TRUE(ended);
  EXPECT_GT(seen, 5u) << "or the test looks at nothing";
}

}  // namespace
}  // namespace sstplb::probes
