// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/connections.h"

#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <vector>

#include "tests/bench/load/fail.h"
#include "tests/bench/load/wish.h"

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

// One connection after the other, in a place of its own.
class Place final : public Poller::Target {
 public:
  Place(Poller& poller, Destination& destination, ConnectionRun& run)
      : poller_(poller), destination_(destination), run_(run) {}

  bool idle() const { return !fd_.valid(); }

  void Begin(TimePoint due) {
    due_ = due;
    received_ = 0;
    fd_ = destination_.ConnectNext();
    // Over loopback the connection is mostly there already.
    const bool sent = SendHello();
    poller_.Add(fd_.get(), sent ? EPOLLIN : EPOLLOUT, *this);
  }

  void OnEvents(std::uint32_t) override {
    if (!hello_sent_) {
      if (SendHello()) poller_.Change(fd_.get(), EPOLLIN, *this);
      return;
    }
    // All of the answer and its end have mostly come together.
    while (ReadMore()) continue;
  }

 private:
  bool SendHello() {
    const Bytes& hello = destination_.hello;
    const auto put = Send(fd_.get(), hello);
    hello_sent_ = put == static_cast<std::ptrdiff_t>(hello.size());
    if (put != 0 && !hello_sent_) FailErrno("a hello");
    return hello_sent_;
  }

  bool ReadMore() {
    const ssize_t got = recv(fd_.get(), nullptr, 2 * kAnswerSize, MSG_TRUNC);
    if (got < 0) {
      if (errno != EAGAIN) FailErrno("a connection");
      return false;
    }
    if (got == 0) {
      if (received_ != kAnswerSize) Fail("a connection ended early");
      fd_.Reset();
      ++run_.done;
      return false;
    }
    if (received_ == 0) run_.first_byte.Add(Clock::now() - due_);
    received_ += static_cast<std::size_t>(got);
    return true;
  }

  Poller& poller_;
  Destination& destination_;
  ConnectionRun& run_;
  Fd fd_;
  bool hello_sent_ = false;
  TimePoint due_{};
  std::size_t received_ = 0;
};

}  // namespace

ConnectionRun RunConnections(Poller& poller, Destination& destination, const ConnectionLoad& load) {
  ConnectionRun run;
  std::vector<std::unique_ptr<Place>> places;
  for (std::size_t i = 0; i < load.at_once; ++i) {
    places.push_back(std::make_unique<Place>(poller, destination, run));
  }
  const TimePoint begun = Clock::now();
  const TimePoint end = load.count > 0 ? TimePoint::max() : begun + load.duration;
  const std::uint64_t most =
      load.count > 0 ? load.count : std::numeric_limits<std::uint64_t>::max();
  std::uint64_t started = 0;
  TimePoint now = begun;
  TimePoint moved = begun;
  const auto due = [&] {
    if (load.rate <= 0) return now;
    const double ns = static_cast<double>(started) / load.rate * 1e9;
    return begun + std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
  };
  while ((now < end && started < most) || run.done < started) {
    for (const auto& place : places) {
      if (now >= end || started == most || due() > now) break;
      if (!place->idle()) continue;
      place->Begin(due());
      ++started;
    }
    const std::uint64_t before = run.done;
    const bool waits_for_time = load.rate > 0 && started - run.done < places.size();
    poller.Wait(std::min(waits_for_time && now < end ? due() : now + kPatience, now + kPatience));
    now = Clock::now();
    if (run.done > before || run.done == started) moved = now;
    if (now - moved > kPatience) Fail("connections that do not end");
  }
  run.took = now - begun;
  return run;
}

}  // namespace sstplb::bench
