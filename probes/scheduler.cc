// SPDX-License-Identifier: Apache-2.0
#include "probes/scheduler.h"

#include <algorithm>
#include <utility>

#include "probes/question.h"
#include "probes/server_kind.h"

namespace sstplb::probes {
namespace {

constexpr std::string_view kLowered =
    "asked post, not call: a call would take the last place below max_sessions";

Duration Soonest(const ProbeRequest& request) {
  return std::min(request.settings.fast_interval, request.settings.interval);
}

Duration IntervalOf(const ProbeRequest& request, const RiseFall& state) {
  return state.changing() ? Soonest(request) : request.settings.interval;
}

bool CallsServer(const config::Probe& settings) {
  return settings.kind == config::ProbeKind::kSstp && settings.depth == config::ProbeDepth::kCall;
}

std::string Share(std::uint32_t have, std::uint32_t needed) {
  return std::to_string(std::min(have, needed)) + "/" + std::to_string(needed);
}

ProbeReport WithNote(ProbeReport report, std::string_view note) {
  report.note += (report.note.empty() ? "" : "; ") + std::string(note);
  return report;
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
  if (!answer.report.hint.empty()) fields.emplace_back("hint", answer.report.hint);
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
  const auto known = targets_.find(key);
  if (known == targets_.end()) {
    RiseFall state(request.settings.rise, request.settings.fall);
    Target& made = targets_.emplace(key, Target{std::move(request), state, 0}).first->second;
    return Join(key, made, Clock::now());
  }
  Target& target = known->second;
  if (target.request == request) return;
  const bool other = target.request.address != request.address ||
                     target.request.settings.kind != request.settings.kind;
  if (other) target.state = RiseFall(request.settings.rise, request.settings.fall);
  target.state.SetLimits(request.settings.rise, request.settings.fall);
  target.request = std::move(request);
  if (FindQuestion(target.request) != target.question) Leave(key, target.question);
  Join(key, target, Clock::now());
}

void Prober::Restore(const TargetKey& key, const RiseFall::Memory& memory) {
  const auto known = targets_.find(key);
  if (known != targets_.end()) known->second.state.Restore(memory);
}

void Prober::RestoreServerKind(const TargetKey& key, const std::string& learned) {
  const auto known = targets_.find(key);
  if (known == targets_.end()) return;
  Question& question = questions_.at(known->second.question);
  question.learned = BetterServerKind(question.learned, learned);
}

void Prober::Remove(const TargetKey& key) {
  const auto known = targets_.find(key);
  if (known == targets_.end()) return;
  const QuestionId question = known->second.question;
  targets_.erase(known);
  Leave(key, question);
  Arm();
}

// Makes the target's question its own, or one more asker of one that is asked already; asks soon,
// spread by name so that a reload does not ask everyone at once.
void Prober::Join(const TargetKey& key, Target& target, TimePoint now) {
  target.question = FindQuestion(target.request);
  if (target.question == 0) target.question = ++last_question_;
  Question& question = questions_[target.question];
  question.request = target.request;
  question.askers.insert(key);
  if (const auto& address = target.request.address) {
    const Budget budget(BudgetOf({&target.request}), now);
    Host& host = hosts_.try_emplace(*address, Host{budget, {}, {}, {}, false}).first->second;
    host.questions.insert(target.question);
    UpdateBudget(*address, now);
  }
  if (!question.probe) {
    schedule_.Put(target.question, now + InitialOffset(key, Soonest(target.request)));
  }
  Arm();
}

void Prober::Leave(const TargetKey& key, QuestionId id) {
  Question& question = questions_.at(id);
  const auto address = question.request.address;
  question.askers.erase(key);
  if (!question.askers.empty()) {
    question.request = targets_.at(*question.askers.begin()).request;
    if (address) UpdateBudget(*address, Clock::now());
    return;
  }
  if (question.probe) {
    question.probe->Cancel();
    retired_[question.run] = {std::move(question.probe), address};
  }
  schedule_.Remove(id);
  questions_.erase(id);
  if (!address) return;
  Host& host = hosts_.at(*address);
  host.questions.erase(id);
  host.waiting.erase(id);
  LeaveLine(host, id, Clock::now());
  if (host.questions.empty() && !host.busy) {
    hosts_.erase(*address);
  } else {
    UpdateBudget(*address, Clock::now());
  }
}

Prober::QuestionId Prober::FindQuestion(const ProbeRequest& request) const {
  if (!request.address) {
    const auto own = targets_.find({request.pool, request.backend});
    // Without an address the question is the target's own, as long as it has none.
    if (own == targets_.end() || own->second.question == 0) return 0;
    const auto asked = questions_.find(own->second.question);
    return asked != questions_.end() && !asked->second.request.address ? asked->first : 0;
  }
  const auto host = hosts_.find(*request.address);
  if (host == hosts_.end()) return 0;
  for (const QuestionId id : host->second.questions) {
    const ProbeRequest& asked = questions_.at(id).request;
    const bool own = asked.pool == request.pool && asked.backend == request.backend;
    if (SameQuestion(asked, request) || (own && asked == request)) return id;
  }
  return 0;
}

void Prober::UpdateBudget(const SocketAddress& address, TimePoint now) {
  Host& host = hosts_.at(address);
  std::vector<const ProbeRequest*> asked;
  for (const auto& id : host.questions) {
    // Of those that share a question the most frequent one sets its pace.
    const ProbeRequest* fastest = nullptr;
    for (const TargetKey& key : questions_.at(id).askers) {
      const ProbeRequest& request = targets_.at(key).request;
      if (fastest == nullptr || request.settings.interval < fastest->settings.interval) {
        fastest = &request;
      }
    }
    if (fastest != nullptr) asked.push_back(fastest);
  }
  if (asked.empty()) return;
  host.budget.SetRate(BudgetOf(asked), now);
  // Who waits in front was told when by the old rate.
  if (!host.line.empty()) schedule_.Put(host.line.front(), host.budget.NextAt(now));
}

void Prober::ProbeNow(const TargetKey& key) {
  const auto known = targets_.find(key);
  if (known == targets_.end()) return;
  Question& question = questions_.at(known->second.question);
  if (question.probe) {
    question.again = true;
    return;
  }
  schedule_.Put(known->second.question, Clock::now());
  Arm();
}

void Prober::SetFull(const TargetKey& key, bool full) {
  if (full) {
    full_.insert(key);
  } else {
    full_.erase(key);
  }
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
    const std::optional<QuestionId> id = schedule_.TakeDue(now);
    if (!id) break;
    Question& question = questions_.at(*id);
    if (MayBegin(*id, question, now)) Begin(*id, question);
  }
  Arm();
}

// False when its address is busy, or has had enough: it is due again later then.
bool Prober::MayBegin(QuestionId id, Question& question, TimePoint now) {
  if (!question.request.address) return true;
  Host& host = hosts_.at(*question.request.address);
  if (host.busy) {
    host.waiting.insert(id);
    return false;
  }
  // Who was put off first is first: of two questions that are due at once the same one would have
  // every token otherwise.
  const bool first = host.line.empty() || host.line.front() == id;
  if (!first || !host.budget.Take(now)) {
    ++question.postponed;
    if (std::ranges::find(host.line, id) == host.line.end()) host.line.push_back(id);
    if (first) schedule_.Put(id, host.budget.NextAt(now));
    return false;
  }
  LeaveLine(host, id, now);
  host.busy = true;
  return true;
}

void Prober::LeaveLine(Host& host, QuestionId id, TimePoint now) {
  std::erase(host.line, id);
  if (!host.line.empty()) schedule_.Put(host.line.front(), host.budget.NextAt(now));
}

// Pools that share a server may each give it a cap of their own.
bool Prober::AnyFull(const Question& question) const {
  return std::ranges::any_of(question.askers,
                             [this](const TargetKey& key) { return full_.contains(key); });
}

void Prober::Begin(QuestionId id, Question& question) {
  const std::uint64_t run = ++last_run_;
  question.run = run;
  question.started = Clock::now();
  question.again = false;
  ProbeRequest request = question.request;
  request.learned = question.learned;
  question.lowered = CallsServer(request.settings) && AnyFull(question);
  if (question.lowered) request.settings.depth = config::ProbeDepth::kPost;
  question.probe = options_.make(std::move(request));
  ++in_flight_;
  question.probe->Start([this, id, run](const ProbeReport& report) { OnReport(id, run, report); });
}

void Prober::Free(const std::optional<SocketAddress>& address) {
  if (!address) return;
  const auto at = hosts_.find(*address);
  if (at == hosts_.end()) return;
  at->second.busy = false;
  for (const QuestionId id : std::exchange(at->second.waiting, {})) {
    schedule_.Put(id, Clock::now());
  }
  if (at->second.questions.empty()) hosts_.erase(at);
}

void Prober::OnReport(QuestionId id, std::uint64_t run, const ProbeReport& report) {
  --in_flight_;
  if (OnRetired(run)) return;
  Question& question = questions_.at(id);
  const std::unique_ptr<Probe> finished = std::move(question.probe);
  Free(question.request.address);
  const std::vector<ProbeAnswer> answers =
      Answers(question, question.lowered ? WithNote(report, kLowered) : report);
  schedule_.Put(id, NextProbe(question, Clock::now()));
  question.answered = true;
  Arm();
  for (const ProbeAnswer& answer : answers) {
    // An earlier call may have changed or removed this one.
    const auto target = targets_.find(answer.target);
    if (target != targets_.end() && target->second.question == id) on_answer_(answer);
  }
}

std::vector<ProbeAnswer> Prober::Answers(Question& question, const ProbeReport& report) {
  question.learned = BetterServerKind(question.learned, report.server_kind);
  std::vector<ProbeAnswer> answers;
  for (const TargetKey& key : question.askers) {
    Target& target = targets_.at(key);
    const RiseFall before = target.state;
    target.state.Add(Info(report.outcome).verdict);
    answers.push_back({.target = key,
                       .request = target.request,
                       .report = report,
                       .state = target.state,
                       .before = before.health(),
                       .died = target.state.dead() && !before.dead(),
                       .server_kind = question.learned,
                       .postponed = question.postponed});
  }
  return answers;
}

TimePoint Prober::NextProbe(const Question& question, TimePoint now) {
  if (question.again) return now;
  Duration interval = Duration::max();
  Duration soonest = Duration::max();
  for (const TargetKey& key : question.askers) {
    const Target& target = targets_.at(key);
    interval = std::min(interval, IntervalOf(target.request, target.state));
    soonest = std::min(soonest, Soonest(target.request));
  }
  // All start together; the second probe of each spreads them over the whole interval.
  if (!question.answered) {
    interval = soonest + InitialOffset(*question.askers.begin(), interval - soonest);
  }
  return NextStart(question.started, now, interval, random_());
}

bool Prober::OnRetired(std::uint64_t run) {
  const auto at = retired_.find(run);
  if (at == retired_.end()) return false;
  const Retired finished = std::move(at->second);
  retired_.erase(at);
  Free(finished.address);
  Arm();
  MaybeDone();
  return true;
}

}  // namespace sstplb::probes
