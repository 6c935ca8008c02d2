// Echo: an open loop of records that the backend sends back, spread over many tunnels.
//
// Each echo has its time to begin, whether the ones before have come back or not, and its latency
// counts from that time: a balancer that stalls cannot hide it by slowing the load (no coordinated
// omission).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "tests/bench/load/latencies.h"
#include "tests/bench/load/tunnel.h"

namespace sstplb::bench {

class EchoTunnel final : public Tunnel {
 public:
  EchoTunnel(Poller& poller, Destination& destination) : Tunnel(poller, destination, Wish::kEcho) {}

  // Sends one record; the time from `due` until all of it is back goes into `latencies`, which
  // lives until then.
  void SendRecord(ByteView record, TimePoint due, Latencies& latencies);

 private:
  void OnReadable() override;
  void OnWritable() override;

  struct Flight {
    TimePoint due;
    std::size_t size;
    Latencies* latencies;
  };

  std::deque<Flight> flights_;  // sent or waiting, oldest first
  std::size_t back_ = 0;        // bytes of the oldest one that are back
  Bytes pending_;               // what the socket did not take
};

struct EchoRun {
  Latencies latencies;
  std::uint64_t sent = 0;
  Duration took{};
};

// `rate` echoes a second of `size` bytes for so long, over all of `tunnels` in turn. Fails the
// program if one does not come back in time.
EchoRun RunEcho(Poller& poller, std::span<const std::unique_ptr<EchoTunnel>> tunnels, double rate,
                std::size_t size, Duration duration);

}  // namespace sstplb::bench
