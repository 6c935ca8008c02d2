// See client.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/stream_check/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "tests/e2e/stream_check/loop.h"
#include "tests/e2e/stream_check/pattern.h"

namespace stream_check {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMostFailures = 100;
constexpr int kOpenedPerTurn = 64;  // so that those that are open are looked after

std::vector<std::uint8_t> ReadFile(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) Die("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

sockaddr_in Target(const std::string& target) {
  const std::size_t colon = target.rfind(':');
  if (colon == std::string::npos) Die("--target HOST:PORT is missing");
  return Address(target.substr(0, colon), std::strtoull(target.c_str() + colon + 1, nullptr, 10));
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

// Opens the sessions that the command line asks for, one after the other.
class Opener {
 public:
  Opener(const Options& options, Loop& loop)
      : loop_(loop),
        target_(Target(options.Text("target", ""))),
        hello_(ReadFile(options.Text("hello", ""))),
        opening_(options.Has("handshake") ? End::Opening::kHandshake : End::Opening::kHello),
        spread_(options.Has("spread")),
        mixed_(options.Has("mixed")),
        seed_(options.Number("seed", 1)),
        max_size_(options.Number("max-size", 256 * 1024)) {
    if (opening_ == End::Opening::kHandshake && hello_.empty()) Die("--handshake needs --hello");
  }

  std::uint64_t opened() const { return opened_; }

  void Open() {
    const Plan plan = mixed_ ? MakeMixedPlan(seed_, opened_) : MakePlan(seed_, opened_, max_size_);
    const int fd = Connect(target_, spread_, Mix(seed_ ^ opened_));
    ++opened_;
    if (fd >= 0) return loop_.Add(End::Client(fd, plan, opening_, hello_));
    loop_.tally().AddError(std::string("connect: ") + std::strerror(errno));
    ++loop_.tally().sessions;
    if (loop_.tally().failed > kMostFailures) Die("gave up connecting");
  }

 private:
  Loop& loop_;
  const sockaddr_in target_;
  const std::vector<std::uint8_t> hello_;
  const End::Opening opening_;
  const bool spread_;
  const bool mixed_;
  const std::uint64_t seed_;
  const std::uint64_t max_size_;
  std::uint64_t opened_ = 0;
};

}  // namespace

int Ask(const Options& options) {
  const bool timed = options.Has("seconds");
  const std::uint64_t most =
      timed ? std::numeric_limits<std::uint64_t>::max() : options.Number("sessions", 1);
  const std::uint64_t concurrency = options.Number("concurrency", 1);
  Loop loop(kPatience);
  Opener opener(options, loop);
  const auto begun = Loop::Clock::now();
  const auto end = begun + std::chrono::seconds(options.Number("seconds", 0));
  bool opens = true;
  while (opens || loop.active() > 0) {
    for (int i = 0; opens && i < kOpenedPerTurn && loop.active() < concurrency; ++i) {
      opener.Open();
      opens = opener.opened() < most;
    }
    loop.Wait(opens && loop.active() < concurrency ? 0ms : 100ms);
    if (timed && opens && Loop::Clock::now() >= end) {
      opens = false;
      loop.Hurry();
    }
  }
  std::printf("%s\n", loop.tally().Json(SecondsSince(begun)).c_str());
  return loop.tally().failed == 0 ? 0 : 1;
}

}  // namespace stream_check
