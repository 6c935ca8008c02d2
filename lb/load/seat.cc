// SPDX-License-Identifier: Apache-2.0
#include "lb/load/seat.h"

namespace sstplb::load {

using tunnel::TunnelState;

Seat::Seat(Loop& loop, SeatHost& host, const tunnel::TlsContext& context,
           const tunnel::TunnelOptions& options, const Pacing& pacing, std::uint64_t serial,
           std::uint64_t client)
    : host_(host),
      pacing_(pacing),
      serial_(serial),
      client_(client),
      payload_(loop.ev()),
      tunnel_(loop, context, options, this) {
  payload_.set<Seat, &Seat::OnPayload>(this);
}

Seat::~Seat() { payload_.stop(); }

void Seat::OnTunnelChanged(const tunnel::TunnelReport& report) {
  switch (report.state) {
    case TunnelState::kUp:
      up_at_ = Clock::now();
      if (pacing_.packets > 0) payload_.start(EvSeconds(pacing_.every), EvSeconds(pacing_.every));
      host_.OnSeatUp(*this);
      return;
    case TunnelState::kStopping:
      GoDown();
      return;
    case TunnelState::kEnded:
      GoDown();
      host_.OnSeatEnded(*this);
      return;
    default:
      return;
  }
}

void Seat::GoDown() {
  if (!came_up() || down_at_ != TimePoint{}) return;
  down_at_ = Clock::now();
  payload_.stop();
  host_.OnSeatDown(*this);
}

void Seat::OnPayload(ev::timer&, int) {
  for (std::uint32_t i = 0; i < pacing_.packets; ++i) {
    const bool sent = tunnel_.SendPayload(pacing_.size);
    if (report().state != TunnelState::kUp) return;  // sending may find the end
    if (!sent) ++packets_skipped_;
  }
}

}  // namespace sstplb::load
