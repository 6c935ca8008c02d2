// Fleet: the tunnels of one worker: started when their time comes, exchanged while held, ended in
// order.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lb/base/loop.h"
#include "lb/load/figures.h"
#include "lb/load/options.h"
#include "lb/load/schedule.h"
#include "lb/load/seat.h"
#include "lb/tunnel/delay_queue.h"

namespace sstplb::load {

// All on the loop's thread, once it runs. Loop and options outlive it; destroying it closes what is
// left without a word.
class Fleet final : private SeatHost {
 public:
  // The part of worker `share` of options.workers.
  Fleet(Loop& loop, const Options& options, tunnel::TlsContext context, unsigned share);
  ~Fleet();

  // The schedule begins at `began`, which is the same for all workers.
  void Start(TimePoint began);
  // From here on bytes count as held, and tunnels are exchanged.
  void BeginHold(TimePoint now);
  // Starts no more, ends every tunnel in order, a few at a time, and calls `done` when none is
  // left: some seconds at most. Once.
  void Stop(std::function<void()> done);

  Counts counts() const;
  Figures figures() const;

 private:
  void Retry(const Seat& seat);
  // Of the clients that went and have not come back, the one gone longest; absent: none.
  std::optional<std::uint64_t> TakeVacant();
  void OnSeatUp(Seat& seat) override;
  void OnSeatDown(Seat& seat) override;
  void OnSeatEnded(Seat& seat) override;
  void OnSeatPong(Duration round_trip) override { figures_.pings.Add(round_trip); }

  void OnLaunch(ev::timer& timer, int events);
  void OnExchange(ev::timer& timer, int events);
  void OnClose(ev::timer& timer, int events);
  void Launch(std::uint64_t client);
  void Exchange();
  void CountSteps(const tunnel::TunnelReport& report);
  void CountEnd(const Seat& seat);
  void Forget(std::uint64_t serial);
  // Fires when `schedule`, which began at `began`, has something due; never when it has ended.
  void Arm(ev::timer& timer, const Schedule& schedule, TimePoint began);

  Loop& loop_;
  const Options& options_;
  const tunnel::TlsContext context_;
  const unsigned share_;
  const Pacing pacing_;
  const std::uint64_t quota_;  // of the tunnels, those that this worker keeps
  tunnel::TunnelOptions tunnel_options_;
  Schedule launches_;
  Schedule exchanges_;
  TimePoint began_;
  TimePoint exchanges_began_;
  ev::timer launch_;
  ev::timer exchange_;
  ev::timer close_;
  std::uint64_t next_serial_ = 0;
  std::uint64_t next_client_ = 0;
  std::deque<std::uint64_t> vacant_;  // clients without a tunnel, as they went
  std::unordered_map<std::uint64_t, std::unique_ptr<Seat>> seats_;
  std::map<std::uint64_t, Seat*> up_;  // by serial: the oldest first
  Figures figures_;                    // bytes and pings of ended tunnels only
  std::optional<Counts> held_from_;
  std::vector<std::uint64_t> to_close_;
  tunnel::DelayQueue retries_;
  bool stopping_ = false;
  std::function<void()> done_;
};

}  // namespace sstplb::load
