// Seat: one tunnel of a load, with its payload, and what it tells the fleet that it belongs to.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lb/base/loop.h"
#include "lb/base/time.h"
#include "lb/load/schedule.h"
#include "lb/tunnel/tunnel.h"

namespace sstplb::load {

class Seat;

// Told on the loop's thread, in this order, each at most once. A seat may be stopped, but not
// destroyed, within a call.
class SeatHost {
 public:
  virtual void OnSeatUp(Seat& seat) = 0;
  virtual void OnSeatDown(Seat& seat) = 0;  // it was up, and no longer is
  virtual void OnSeatEnded(Seat& seat) = 0;
  virtual void OnSeatPong(Duration round_trip) = 0;  // any number of times in between

 protected:
  ~SeatHost() = default;
};

// All on the loop's thread. Loop and host outlive it.
class Seat final : private tunnel::TunnelObserver {
 public:
  // `pacing` of no packets: no payload. `client`: whose tunnel it is, for the host to know.
  Seat(Loop& loop, SeatHost& host, const tunnel::TlsContext& context,
       const tunnel::TunnelOptions& options, const Pacing& pacing, std::uint64_t serial,
       std::uint64_t client);
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  void Start() { tunnel_.Start(); }
  // In order; again: nothing.
  void Stop() { tunnel_.Stop(); }

  std::uint64_t serial() const { return serial_; }
  std::uint64_t client() const { return client_; }
  const tunnel::TunnelReport& report() const { return tunnel_.report(); }
  bool came_up() const { return up_at_ != TimePoint{}; }
  // From when it came up to when it went down; only after OnSeatDown().
  Duration age() const { return down_at_ - up_at_; }
  std::uint64_t packets_skipped() const { return packets_skipped_; }

 private:
  void OnTunnelChanged(const tunnel::TunnelReport& report) override;
  void OnPong(Duration round_trip) override { host_.OnSeatPong(round_trip); }
  void OnPayload(ev::timer& timer, int events);
  void GoDown();

  SeatHost& host_;
  const Pacing pacing_;
  const std::uint64_t serial_;
  const std::uint64_t client_;
  TimePoint up_at_;
  TimePoint down_at_;
  std::uint64_t packets_skipped_ = 0;
  ev::timer payload_;
  tunnel::Tunnel tunnel_;
};

}  // namespace sstplb::load
