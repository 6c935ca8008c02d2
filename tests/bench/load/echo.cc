// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/echo.h"

#include <algorithm>

#include "tests/bench/load/fail.h"
#include "tests/dialogue/handshake.h"

namespace sstplb::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // after the last echo was due
constexpr std::size_t kReadSize = 64 * 1024;

}  // namespace

void EchoTunnel::SendRecord(ByteView record, TimePoint due, Latencies& latencies) {
  flights_.push_back({due, record.size(), &latencies});
  if (pending_.empty()) {
    const auto put = Send(fd(), record);
    if (put < 0) FailErrno("an echo");
    record = record.subspan(static_cast<std::size_t>(put));
    if (record.empty()) return;
    WantWrite(true);
  }
  pending_.insert(pending_.end(), record.begin(), record.end());
}

void EchoTunnel::OnWritable() {
  const auto put = Send(fd(), pending_);
  if (put < 0) FailErrno("an echo");
  pending_.erase(pending_.begin(), pending_.begin() + put);
  if (pending_.empty()) WantWrite(false);
}

void EchoTunnel::OnReadable() {
  const auto got = Skip(kReadSize);
  if (got < 0) return;
  if (got == 0) Fail("a tunnel ended");
  const TimePoint now = Clock::now();
  back_ += static_cast<std::size_t>(got);
  while (!flights_.empty() && back_ >= flights_.front().size) {
    const Flight flight = flights_.front();
    flights_.pop_front();
    back_ -= flight.size;
    flight.latencies->Add(now - flight.due);
  }
  if (flights_.empty() && back_ > 0) Fail("more bytes came back than were sent");
}

EchoRun RunEcho(Poller& poller, std::span<const std::unique_ptr<EchoTunnel>> tunnels, double rate,
                std::size_t size, Duration duration) {
  EchoRun run;
  const Bytes record = dialogue::Record(size - dialogue::kRecordHeader);
  const auto total = static_cast<std::uint64_t>(rate * Seconds(duration));
  const TimePoint begun = Clock::now();
  const auto due = [&](std::uint64_t index) {
    const double ns = static_cast<double>(index) / rate * 1e9;
    return begun + std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
  };
  const TimePoint deadline = begun + duration + kPatience;
  TimePoint now = begun;
  while (run.latencies.count() < total) {
    for (; run.sent < total && due(run.sent) <= now; ++run.sent) {
      tunnels[run.sent % tunnels.size()]->SendRecord(record, due(run.sent), run.latencies);
    }
    poller.Wait(run.sent < total ? due(run.sent) : deadline);
    now = Clock::now();
    if (now > deadline) Fail("echoes that did not come back");
  }
  run.took = now - begun;
  return run;
}

}  // namespace sstplb::bench
