// SPDX-License-Identifier: Apache-2.0
#include "lb/load/fleet.h"

#include <array>
#include <limits>
#include <utility>

namespace sstplb::load {
namespace {

using tunnel::TunnelEnd;
using tunnel::TunnelState;

// In one turn of the loop, so that live tunnels are served in between.
constexpr std::uint32_t kLaunchesPerTurn = 32;
constexpr std::uint32_t kExchangesPerTurn = 32;
// 5000 a second: a server that is told to end them all at once would be late for all.
constexpr std::size_t kClosesPerTurn = 100;
constexpr Duration kCloseEvery = std::chrono::milliseconds(20);

// Spreads numbers that follow each other.
std::uint64_t Rehash(std::uint64_t serial) { return serial * 0x9e3779b97f4a7c15 >> 32; }

std::uint64_t QuotaOf(const Options& options, unsigned share) {
  const std::uint64_t all = options.tunnels;
  return share < all ? (all - share - 1) / options.workers + 1 : 0;
}

tunnel::TunnelOptions TunnelOptionsOf(const Options& options) {
  tunnel::TunnelOptions out;
  out.server = options.server;
  out.sni = options.sni;
  out.host = options.host;
  out.user = options.user;
  out.password = options.password;
  out.resume = false;
  out.depth = options.depth;
  out.step_timeout = options.timeout;
  return out;
}

Pacing PacingOf(const Options& options) {
  return options.payload > 0 ? MakePacing(options.payload, tunnel::kMaxPayload) : Pacing{};
}

}  // namespace

Fleet::Fleet(Loop& loop, const Options& options, tunnel::TlsContext context, unsigned share)
    : loop_(loop),
      options_(options),
      context_(std::move(context)),
      share_(share),
      pacing_(PacingOf(options)),
      quota_(QuotaOf(options, share)),
      tunnel_options_(TunnelOptionsOf(options)),
      launches_(options.tunnels, options.start_every, share, options.workers),
      exchanges_(std::numeric_limits<std::uint64_t>::max(), options.churn_every, share,
                 options.workers),
      launch_(loop.ev()),
      exchange_(loop.ev()),
      close_(loop.ev()),
      retries_(loop) {
  launch_.set<Fleet, &Fleet::OnLaunch>(this);
  exchange_.set<Fleet, &Fleet::OnExchange>(this);
  close_.set<Fleet, &Fleet::OnClose>(this);
}

Fleet::~Fleet() {
  launch_.stop();
  exchange_.stop();
  close_.stop();
  retries_.Clear();
}

void Fleet::Start(TimePoint began) {
  began_ = began;
  Arm(launch_, launches_, began_);
}

void Fleet::Arm(ev::timer& timer, const Schedule& schedule, TimePoint began) {
  const std::optional<Duration> next = schedule.Next();
  if (!next) return;
  ev_now_update(loop_.ev());  // libev counts from the time it woke at
  timer.start(EvSeconds(began + *next - Clock::now()), 0);
}

void Fleet::OnLaunch(ev::timer&, int) {
  const std::uint32_t due = launches_.Take(Clock::now() - began_, kLaunchesPerTurn);
  for (std::uint32_t i = 0; i < due; ++i) Launch(share_ + next_client_++ * options_.workers);
  Arm(launch_, launches_, began_);
}

void Fleet::Launch(std::uint64_t client) {
  const std::uint64_t serial = share_ + next_serial_++ * options_.workers;
  if (!options_.sources.empty()) {
    tunnel_options_.source = options_.sources[client % options_.sources.size()];
  }
  SeatHost& host = *this;
  auto seat =
      std::make_unique<Seat>(loop_, host, context_, tunnel_options_, pacing_, serial, client);
  ++figures_.counts.started;
  Seat& started = *seat;
  seats_.emplace(serial, std::move(seat));
  started.Start();
}

void Fleet::BeginHold(TimePoint now) {
  if (stopping_) return;
  held_from_ = counts();
  if (options_.churn_every.count() <= 0) return;
  exchanges_began_ = now + options_.churn_every;
  Arm(exchange_, exchanges_, exchanges_began_);
}

void Fleet::OnExchange(ev::timer&, int) {
  const std::uint32_t due = exchanges_.Take(Clock::now() - exchanges_began_, kExchangesPerTurn);
  for (std::uint32_t i = 0; i < due; ++i) Exchange();
  Arm(exchange_, exchanges_, exchanges_began_);
}

// Tunnels that failed or were lost come back this way too.
void Fleet::Exchange() {
  const auto active = [this] { return figures_.counts.SettingUp() + up_.size(); };
  if (active() >= quota_ && !up_.empty()) up_.begin()->second->Stop();
  if (active() >= quota_) return;
  if (const auto client = TakeVacant()) Launch(*client);
}

std::optional<std::uint64_t> Fleet::TakeVacant() {
  if (vacant_.empty()) return std::nullopt;
  const std::uint64_t client = vacant_.front();
  vacant_.pop_front();
  return client;
}

void Fleet::Stop(std::function<void()> done) {
  stopping_ = true;
  done_ = std::move(done);
  if (held_from_) {
    const Counts now = counts();
    figures_.held_bytes_sent = now.bytes_sent - held_from_->bytes_sent;
    figures_.held_bytes_received = now.bytes_received - held_from_->bytes_received;
  }
  launch_.stop();
  exchange_.stop();
  retries_.Clear();
  for (const auto& [serial, seat] : seats_) to_close_.push_back(serial);
  if (to_close_.empty()) {
    done_();
  } else {
    close_.start(0.0, EvSeconds(kCloseEvery));
  }
}

void Fleet::OnClose(ev::timer&, int) {
  for (std::size_t i = 0; i < kClosesPerTurn && !to_close_.empty(); ++i) {
    const auto found = seats_.find(to_close_.back());
    to_close_.pop_back();
    if (found != seats_.end()) found->second->Stop();
  }
  if (to_close_.empty()) close_.stop();
}

void Fleet::OnSeatUp(Seat& seat) {
  const tunnel::TunnelReport& report = seat.report();
  ++figures_.counts.came_up;
  up_.emplace(seat.serial(), &seat);
  CountSteps(report);
  figures_.setup.Add(report.steps.Total());
  ++figures_.certificates.At(report.certificate);
}

void Fleet::OnSeatDown(Seat& seat) {
  up_.erase(seat.serial());
  vacant_.push_back(seat.client());
}

void Fleet::OnSeatEnded(Seat& seat) {
  CountEnd(seat);
  if (!seat.came_up()) vacant_.push_back(seat.client());
  Retry(seat);
  // It is still on the stack: it goes with the loop's next turn.
  loop_.Post([this, serial = seat.serial()] { Forget(serial); });
}

// As people do, each after a time of his own. The end of a tunnel that was told to end is its end.
void Fleet::Retry(const Seat& seat) {
  if (stopping_ || options_.retry.count() <= 0 || seat.report().end == TunnelEnd::kStopped) return;
  constexpr std::uint64_t kParts = 1000;
  const auto step = static_cast<std::int64_t>(Rehash(seat.serial()) % kParts);
  retries_.After(options_.retry * step / static_cast<std::int64_t>(kParts), [this] {
    if (stopping_) return;
    // None: an exchange has brought it back already.
    if (const auto client = TakeVacant()) Launch(*client);
  });
}

void Fleet::Forget(std::uint64_t serial) {
  seats_.erase(serial);
  if (stopping_ && seats_.empty()) done_();
}

void Fleet::CountSteps(const tunnel::TunnelReport& report) {
  const std::array<Duration, kSteps> took = {report.steps.tcp, report.steps.tls, report.steps.post,
                                             report.steps.call, report.steps.ppp};
  // A step was got through when the one after it was begun.
  const std::size_t done =
      report.reached == TunnelState::kUp
          ? StepsOf(options_.depth)
          : static_cast<std::size_t>(report.reached) - static_cast<std::size_t>(TunnelState::kTcp);
  for (std::size_t i = 0; i < done; ++i) figures_.steps[i].took.Add(took[i]);
}

void Fleet::CountEnd(const Seat& seat) {
  const tunnel::TunnelReport& report = seat.report();
  Counts& counts = figures_.counts;
  counts.bytes_sent += report.bytes_sent;
  counts.bytes_received += report.bytes_received;
  counts.packets_skipped += seat.packets_skipped();
  figures_.pings_sent += report.pings_sent;
  if (seat.came_up()) {
    if (report.end == TunnelEnd::kStopped) {
      ++counts.closed;
      if (!report.detail.empty()) ++counts.left_open;
    } else {
      ++counts.lost;
      figures_.losses.At(ReasonOf(report)).Add(seat.age());
    }
    return;
  }
  // Without a socket there was not even a first step.
  const std::size_t step =
      report.reached == TunnelState::kIdle
          ? 0
          : static_cast<std::size_t>(report.reached) - static_cast<std::size_t>(TunnelState::kTcp);
  if (report.reached != TunnelState::kIdle) CountSteps(report);
  if (report.end == TunnelEnd::kStopped) {
    ++counts.given_up;
    return;
  }
  ++counts.failed;
  ++figures_.steps[step].failed;
  ++figures_.steps[step].reasons.At(ReasonOf(report));
}

Counts Fleet::counts() const {
  Counts now = figures_.counts;
  now.up = up_.size();
  for (const auto& [serial, seat] : seats_) {
    const tunnel::TunnelReport& report = seat->report();
    if (report.state == TunnelState::kEnded) continue;  // counted already
    now.bytes_sent += report.bytes_sent;
    now.bytes_received += report.bytes_received;
    now.packets_skipped += seat->packets_skipped();
  }
  return now;
}

Figures Fleet::figures() const {
  Figures now = figures_;
  now.counts = counts();
  for (const auto& [serial, seat] : seats_) {
    if (seat->report().state != TunnelState::kEnded) now.pings_sent += seat->report().pings_sent;
  }
  return now;
}

}  // namespace sstplb::load
