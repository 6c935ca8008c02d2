// stream_check: many TCP sessions whose every byte is known beforehand, to be sent through whatever
// stands between `client` and `server`. Sizes, order of the half-closes and the size of single
// reads and writes are random from a seed. Both ends check what they get and print a tally as JSON;
// the server prints its own when it is told to end by SIGTERM or SIGINT.
//
//   stream_check server [--host A] [--port N]          prints "listening on PORT"
//   stream_check client --target HOST:PORT [--sessions N] [--concurrency C] [--seed S]
//       [--max-size BYTES] [--hello FILE] [--spread]   exit 1 if one session failed
//
// --hello sends a ClientHello ahead; --spread comes from many addresses of 127.0.0.0/8.
//
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/e2e/stream_check/loop.h"
#include "tests/e2e/stream_check/pattern.h"

namespace stream_check {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "stream_check: %s\n", why.c_str());
  std::exit(2);
}

struct Options {
  std::map<std::string, std::string> values;

  std::string Text(const std::string& key, const std::string& otherwise) const {
    const auto found = values.find(key);
    return found == values.end() ? otherwise : found->second;
  }
  std::uint64_t Number(const std::string& key, std::uint64_t otherwise) const {
    const auto found = values.find(key);
    return found == values.end() ? otherwise : std::strtoull(found->second.c_str(), nullptr, 10);
  }
};

sockaddr_in Address(const std::string& host, std::uint64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) Die("not an IPv4 address: " + host);
  return address;
}

double Since(Loop::Clock::time_point begun) {
  return std::chrono::duration<double>(Loop::Clock::now() - begun).count();
}

int Serve(const Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
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

  Loop loop(kPatience);
  loop.Watch(listener);
  const auto begun = Loop::Clock::now();
  signalfd_siginfo info;
  while (read(signal_fd, &info, sizeof info) < 0) {
    if (!loop.Wait(100ms)) continue;
    int fd = 0;
    while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      loop.Add(End::Server(fd));
    }
  }
  std::printf("%s\n", loop.tally().Json(Since(begun)).c_str());
  return loop.tally().failed == 0 && loop.active() == 0 ? 0 : 1;
}

// Connects, from an address of its own for every session if wanted. -1 with errno on failure.
int Connect(const sockaddr_in& target, bool spread, std::uint64_t index) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (spread) {
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(0x7f010001U + static_cast<std::uint32_t>(index % 60000));
    if (bind(fd, reinterpret_cast<sockaddr*>(&source), sizeof source) != 0) Die("cannot bind");
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 &&
      errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

int Ask(const Options& options) {
  const std::string target = options.Text("target", "");
  const std::size_t colon = target.rfind(':');
  if (colon == std::string::npos) Die("--target HOST:PORT is missing");
  const sockaddr_in address =
      Address(target.substr(0, colon), std::strtoull(target.c_str() + colon + 1, nullptr, 10));
  std::vector<std::uint8_t> hello;
  if (const std::string path = options.Text("hello", ""); !path.empty()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) Die("cannot read " + path);
    hello.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  const std::uint64_t sessions = options.Number("sessions", 1);
  const std::uint64_t concurrency = options.Number("concurrency", 1);
  const std::uint64_t seed = options.Number("seed", 1);
  const std::uint64_t max_size = options.Number("max-size", 256 * 1024);
  const bool spread = options.values.count("spread") != 0;

  Loop loop(kPatience);
  const auto begun = Loop::Clock::now();
  std::uint64_t opened = 0;
  while (opened < sessions || loop.active() > 0) {
    while (opened < sessions && loop.active() < concurrency) {
      const Plan plan = MakePlan(seed, opened, max_size);
      const int fd = Connect(address, spread, Mix(seed ^ opened));
      ++opened;
      if (fd < 0) {
        loop.tally().AddError(std::string("connect: ") + std::strerror(errno));
        ++loop.tally().sessions;
        if (loop.tally().failed > 100) Die("gave up connecting");
        continue;
      }
      loop.Add(End::Client(fd, plan, hello));
    }
    loop.Wait(100ms);
  }
  std::printf("%s\n", loop.tally().Json(Since(begun)).c_str());
  return loop.tally().failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace stream_check

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  stream_check::Options options;
  for (int i = 2; i < argc; ++i) {
    const std::string key = argv[i];
    if (key.rfind("--", 0) != 0) stream_check::Die("what is " + key + "?");
    if (key == "--spread") {
      options.values["spread"] = "yes";
    } else if (++i < argc) {
      options.values[key.substr(2)] = argv[i];
    } else {
      stream_check::Die(key + " needs a value");
    }
  }
  if (mode == "server") return stream_check::Serve(options);
  if (mode == "client") return stream_check::Ask(options);
  stream_check::Die("say server or client");
}
