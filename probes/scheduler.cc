// SPDX-License-Identifier: Apache-2.0
#include "probes/scheduler.h"

#include <algorithm>
#include <utility>

namespace sstplb::probes {
namespace {

Duration IntervalOf(const ProbeRequest& request, const RiseFall& state) {
  return state.changing() ? std::min(request.settings.fast_interval, request.settings.interval)
                          : request.settings.interval;
}

std::string Share(std::uint32_t have, std::uint32_t needed) {
  return std::to_string(std::min(have, needed)) + "/" + std::to_string(needed);
}

}  // namespace

std::vector<LogField> AnswerFields(const ProbeAnswer& answer) {
  const RiseFall& state = answer.state;
  std::vector<LogField> fields = {{"went", ToString(state.health())},
                                  {"was", ToString(answer.before)},
                                  {"history", state.History()}};
  if (state.health() == Health::kUp) fields.emplace_back("rise", Share(state.run(), state.rise()));
  if (state.health() == Health::kDown) {
    fields.emplace_back("fall", Share(state.run(), state.fall()));
  }
  fields.emplace_back("outcome", ToString(answer.report.outcome));
  fields.emplace_back("took", FormatDuration(answer.report.took));
  if (!answer.report.detail.empty()) fields.emplace_back("detail", answer.report.detail);
  return fields;
}

Prober::Prober(Loop& loop, Options options, OnAnswer on_answer)
    : loop_(loop),
      options_(std::move(options)),
      on_answer_(std::move(on_answer)),
      random_(options_.seed),
      timer_(loop.ev()) {
  if (!options_.make) {
    options_.make = [this](ProbeRequest request) {
      return MakeProbe(loop_, contexts_, std::move(request));
    };
  }
  timer_.set<Prober, &Prober::OnTimer>(this);
}

Prober::~Prober() { timer_.stop(); }

void Prober::Set(ProbeRequest request) {
  const TargetKey key{request.pool, request.backend};
  if (request.settings.kind == config::ProbeKind::kNone) return Remove(key);
  const TimePoint now = Clock::now();
  const auto known = targets_.find(key);
  if (known == targets_.end()) {
    const Duration spread = std::min(request.settings.interval, request.settings.fast_interval);
    RiseFall state(request.settings.rise, request.settings.fall);
    targets_.emplace(key, Target{std::move(request), state, nullptr, 0, now, false});
    schedule_.Put(key, now + InitialOffset(key, spread));
    return Arm();
  }
  Target& target = known->second;
  if (target.request == request) return;
  const bool other = target.request.address != request.address ||
                     target.request.settings.kind != request.settings.kind;
  if (other) target.state = RiseFall(request.settings.rise, request.settings.fall);
  target.state.SetLimits(request.settings.rise, request.settings.fall);
  target.request = std::move(request);
  Retire(target);
  schedule_.Put(key, now);
  Arm();
}

void Prober::Restore(const TargetKey& key, const RiseFall::Memory& memory) {
  const auto known = targets_.find(key);
  if (known != targets_.end()) known->second.state.Restore(memory);
}

void Prober::Remove(const TargetKey& key) {
  const auto known = targets_.find(key);
  if (known == targets_.end()) return;
  Retire(known->second);
  schedule_.Remove(key);
  targets_.erase(known);
  Arm();
}

void Prober::ProbeNow(const TargetKey& key) {
  const auto known = targets_.find(key);
  if (known == targets_.end()) return;
  if (known->second.probe) {
    known->second.again = true;
    return;
  }
  schedule_.Put(key, Clock::now());
  Arm();
}

const RiseFall* Prober::Find(const TargetKey& key) const {
  const auto known = targets_.find(key);
  return known == targets_.end() ? nullptr : &known->second.state;
}

std::vector<TargetKey> Prober::Targets() const {
  std::vector<TargetKey> keys;
  for (const auto& [key, target] : targets_) keys.push_back(key);
  return keys;
}

void Prober::Shutdown(std::function<void()> done) {
  done_ = std::move(done);
  for (const TargetKey& key : Targets()) Remove(key);
  MaybeDone();
}

void Prober::MaybeDone() {
  if (!done_ || in_flight_ > 0) return;
  loop_.Post(std::exchange(done_, nullptr));
}

void Prober::Arm() {
  timer_.stop();
  const std::optional<TimePoint> due = schedule_.NextDue();
  if (!due || in_flight_ >= options_.max_in_flight) return;
  ::ev_now_update(loop_.ev());
  timer_.start(EvSeconds(*due - Clock::now()));
}

void Prober::OnTimer(ev::timer& /*watcher*/, int /*events*/) {
  const TimePoint now = Clock::now();
  while (in_flight_ < options_.max_in_flight) {
    const std::optional<TargetKey> key = schedule_.TakeDue(now);
    if (!key) break;
    Begin(*key);
  }
  Arm();
}

void Prober::Begin(const TargetKey& key) {
  Target& target = targets_.at(key);
  const std::uint64_t run = ++last_run_;
  target.run = run;
  target.started = Clock::now();
  target.again = false;
  target.probe = options_.make(target.request);
  ++in_flight_;
  target.probe->Start([this, key, run](const ProbeReport& report) { OnReport(key, run, report); });
}

void Prober::OnReport(const TargetKey& key, std::uint64_t run, const ProbeReport& report) {
  --in_flight_;
  if (OnRetired(run)) return;
  Target& target = targets_.at(key);
  const std::unique_ptr<Probe> finished = std::move(target.probe);
  const RiseFall before = target.state;
  target.state.Add(Info(report.outcome).verdict);
  // All copies: the callback may change or remove the target, and `key` goes with the probe.
  const ProbeAnswer answer{.target = key,
                           .request = target.request,
                           .report = report,
                           .state = target.state,
                           .before = before.health(),
                           .died = target.state.dead() && !before.dead()};
  const TimePoint now = Clock::now();
  const Duration interval = IntervalOf(target.request, target.state);
  schedule_.Put(answer.target,
                target.again ? now : NextStart(target.started, now, interval, random_()));
  Arm();
  on_answer_(answer);
}

bool Prober::OnRetired(std::uint64_t run) {
  const auto at = retired_.find(run);
  if (at == retired_.end()) return false;
  const std::unique_ptr<Probe> finished = std::move(at->second);
  retired_.erase(at);
  Arm();
  MaybeDone();
  return true;
}

void Prober::Retire(Target& target) {
  if (!target.probe) return;
  target.probe->Cancel();
  retired_[target.run] = std::move(target.probe);
}

}  // namespace sstplb::probes
