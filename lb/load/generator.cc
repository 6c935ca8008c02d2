// SPDX-License-Identifier: Apache-2.0
#include "lb/load/generator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lb/tunnel/tls_context.h"

namespace sstplb::load {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(200);
constexpr Duration kRateWindow = std::chrono::seconds(1);
// Far above what the ends of tunnels may take: only a worker that hangs gets there.
constexpr Duration kClosingLimit = std::chrono::seconds(30);

}  // namespace

Generator::Worker::Worker(unsigned share, const Options& options, const tunnel::TlsContext& context)
    : thread("load-" + std::to_string(share)), fleet(thread.loop(), options, context, share) {}

Generator::Generator(Loop& loop, Options options, Watcher& watcher)
    : loop_(loop),
      options_(std::move(options)),
      watcher_(watcher),
      look_(loop.ev()),
      deadline_(loop.ev()) {
  look_.set<Generator, &Generator::OnLook>(this);
  deadline_.set<Generator, &Generator::OnDeadline>(this);
}

Generator::~Generator() {
  look_.stop();
  deadline_.stop();
  for (const auto& worker : workers_) worker->thread.Join();
}

Status Generator::Start() {
  const tunnel::TlsVersions versions =
      options_.tls ? tunnel::TlsVersions{*options_.tls, *options_.tls} : tunnel::TlsVersions{};
  for (unsigned share = 0; share < options_.workers; ++share) {
    // One each: a shared one would make the threads meet at its reference count.
    const Result<tunnel::TlsContext> context = tunnel::MakeClientContext(versions);
    if (!context.ok()) return context.error();
    workers_.push_back(std::make_unique<Worker>(share, options_, *context));
  }
  const TimePoint began = Clock::now();
  for (const auto& worker : workers_) {
    worker->fleet.Start(began);
    worker->thread.Start();
  }
  Enter(Phase::kRamp);
  look_.start(EvSeconds(kLookEvery), EvSeconds(kLookEvery));
  return Done{};
}

void Generator::OnLook(ev::timer&, int) {
  if (awaited_ > 0) return;  // a worker is busy: it is not asked twice
  awaited_ = workers_.size();
  for (const auto& each : workers_) {
    Worker& worker = *each;
    worker.thread.loop().Post([this, &worker] {
      loop_.Post([this, &worker, counts = worker.fleet.counts()] {
        worker.counts = counts;
        if (--awaited_ == 0) OnCounts();
      });
    });
  }
}

void Generator::OnCounts() {
  if (finished_) return;
  const Progress progress = MakeProgress();
  watcher_.OnProgress(progress);
  const Counts& counts = progress.counts;
  const bool none_left = counts.up == 0 && counts.SettingUp() == 0;
  if (phase_ == Phase::kRamp && counts.started >= options_.tunnels && counts.SettingUp() == 0) {
    if (none_left && options_.retry.count() == 0) {
      Close(false);
    } else {
      Enter(Phase::kHold);
    }
  } else if (phase_ == Phase::kHold && none_left && options_.churn_every.count() == 0 &&
             options_.retry.count() == 0) {
    Close(false);
  }
}

void Generator::Enter(Phase phase) {
  const TimePoint now = Clock::now();
  if (phase == Phase::kHold) report_.ramp = now - phase_began_;
  if (phase == Phase::kClosing) {
    (phase_ == Phase::kRamp ? report_.ramp : report_.hold) = now - phase_began_;
  }
  phase_ = phase;
  phase_began_ = now;
  if (phase == Phase::kHold) {
    for (const auto& each : workers_) {
      Worker& worker = *each;
      worker.thread.loop().Post([&worker, now] { worker.fleet.BeginHold(now); });
    }
    deadline_.start(EvSeconds(options_.hold), 0);
  }
  watcher_.OnPhase(MakeProgress());
}

void Generator::Stop() {
  if (phase_ != Phase::kClosing) Close(true);
}

void Generator::Close(bool interrupted) {
  report_.interrupted = interrupted;
  deadline_.stop();
  for (const auto& each : workers_) {
    Worker& worker = *each;
    worker.thread.loop().Post([this, &worker] {
      worker.fleet.Stop([this, &worker] {
        loop_.Post(
            [this, &worker, figures = worker.fleet.figures()] { OnFigures(worker, figures); });
      });
    });
  }
  Enter(Phase::kClosing);
  deadline_.start(EvSeconds(kClosingLimit), 0);
}

void Generator::OnDeadline(ev::timer&, int) {
  if (phase_ == Phase::kHold) {
    Close(false);
  } else {
    Finish();
  }
}

void Generator::OnFigures(Worker& worker, const Figures& figures) {
  if (finished_) return;
  worker.ended = true;
  worker.counts = figures.counts;
  report_.figures.Merge(figures);
  const auto ended = [](const auto& each) { return each->ended; };
  if (std::all_of(workers_.begin(), workers_.end(), ended)) Finish();
}

void Generator::Finish() {
  if (finished_) return;
  finished_ = true;
  look_.stop();
  deadline_.stop();
  report_.options = options_;
  report_.closing = Clock::now() - phase_began_;
  report_.complete = std::all_of(workers_.begin(), workers_.end(),
                                 [](const auto& worker) { return worker->ended; });
  watcher_.OnReport(report_);
}

Progress Generator::MakeProgress() {
  const TimePoint now = Clock::now();
  Progress progress;
  progress.phase = phase_;
  progress.elapsed = now - phase_began_;
  progress.tunnels = options_.tunnels;
  progress.hold = options_.hold;
  progress.payload = options_.payload > 0;
  for (const auto& worker : workers_) progress.counts.Merge(worker->counts);
  const Counts& counts = progress.counts;
  const Sample sample{now, counts.came_up, counts.bytes_sent + counts.bytes_received};
  samples_.push_back(sample);
  // The newest that is old enough is what is compared with.
  while (samples_.size() > 1 && now - samples_[1].at >= kRateWindow) samples_.pop_front();
  const double seconds = Seconds(now - samples_.front().at);
  if (seconds > 0) {
    const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
      return static_cast<double>(to - from) / seconds;
    };
    progress.came_up_per_second = rate(samples_.front().came_up, sample.came_up);
    progress.bytes_per_second = rate(samples_.front().bytes, sample.bytes);
  }
  return progress;
}

}  // namespace sstplb::load
