// See server.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/server.h"

#include <netinet/in.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/e2e/stream_check/loop.h"

namespace stream_check {
namespace {

using namespace std::chrono_literals;

// Prints the port that it listens on.
int Listen(const Options& options) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = Address(options.Text("host", "127.0.0.1"), options.Number("port", 0));
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 4096) != 0) {
    Die(std::string("cannot listen: ") + std::strerror(errno));
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

}  // namespace

int Serve(const Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  const int listener = Listen(options);
  const auto opening = options.Has("handshake") ? End::Opening::kHandshake : End::Opening::kHello;

  Loop loop(kPatience);
  loop.Watch(listener);
  const auto begun = Loop::Clock::now();
  signalfd_siginfo info;
  while (read(signal_fd, &info, sizeof info) < 0) {
    if (!loop.Wait(100ms)) continue;
    int fd = 0;
    while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      loop.Add(End::Server(fd, opening));
    }
  }
  std::printf("%s\n", loop.tally().Json(SecondsSince(begun)).c_str());
  return loop.tally().failed == 0 && loop.active() == 0 ? 0 : 1;
}

}  // namespace stream_check
