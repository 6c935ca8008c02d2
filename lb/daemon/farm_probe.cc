// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/farm_probe.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lb/backend/name_lookup.h"
#include "lb/daemon/interrupts.h"
#include "probes/probe.h"
#include "probes/question.h"

namespace sstplb::daemon {
namespace {

// What is under way for one backend.
struct Job {
  const config::Pool* pool = nullptr;
  const config::Backend* backend = nullptr;
  std::optional<probes::ProbeRequest> request;  // once the address is known
  std::optional<std::size_t> same_as;           // the job whose probe answers for this one too
  std::unique_ptr<backend::NameLookup> lookup;
  std::unique_ptr<probes::Probe> probe;
  bool asking = false;  // `probe` has not answered yet
};

class FarmProbe {
 public:
  FarmProbe(Loop& loop, const config::Config& config, const FarmProbeLimits& limits)
      : loop_(loop), config_(config), limits_(limits), deadline_(loop.ev()) {
    for (const config::Pool& pool : config.pools) {
      for (const config::Backend& backend : pool.backends) {
        jobs_.push_back({.pool = &pool, .backend = &backend});
        answers_.push_back({.pool = pool.name,
                            .backend = backend.name,
                            .target = backend.address,
                            .address = {},
                            .lookup_error = {},
                            .request = {},
                            .report = {}});
      }
    }
    deadline_.set<FarmProbe, &FarmProbe::OnDeadline>(this);
  }

  FarmAnswers Run() {
    deadline_.start(EvSeconds(limits_.within));
    const Interrupts interrupts(loop_, [this] { GiveUp(); });
    loop_.Post([this] { StartMore(); });
    loop_.Run();
    deadline_.stop();
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].same_as) answers_[i].report = answers_[*jobs_[i].same_as].report;
    }
    return std::move(answers_);
  }

 private:
  void StartMore() {
    while (!late_ && running_ < limits_.parallel && next_ < jobs_.size()) Start(next_++);
    if (running_ == 0) loop_.Stop();
  }

  void Start(std::size_t index) {
    const HostPort& target = jobs_[index].backend->address;
    if (const auto address = target.AsAddress()) return Ask(index, *address);
    ++running_;
    backend::NameLookupOptions options;
    options.deadline = std::min(options.deadline, limits_.within);
    jobs_[index].lookup = std::make_unique<backend::NameLookup>(
        loop_, target.host, options,
        [this, index](const backend::NameLookup::Answer& answer) { OnLookup(index, answer); });
  }

  void OnLookup(std::size_t index, const backend::NameLookup::Answer& answer) {
    --running_;
    if (answer.addresses.empty()) {
      answers_[index].lookup_error = answer.error;
    } else if (!late_) {
      Ask(index, {answer.addresses.front(), jobs_[index].backend->address.port});
    }
    StartMore();
  }

  void Ask(std::size_t index, const SocketAddress& address) {
    Job& job = jobs_[index];
    answers_[index].address = address;
    probes::ProbeRequest request = probes::MakeRequest(config_, *job.pool, *job.backend, address);
    if (request.settings.kind == config::ProbeKind::kNone) {
      request.settings.kind = config::ProbeKind::kTls;
    }
    request.transcript = limits_.transcript;
    answers_[index].request = request;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (!jobs_[i].request || !probes::SameQuestion(*jobs_[i].request, request)) continue;
      job.same_as = i;
      return;
    }
    job.request = request;
    job.probe = probes::MakeProbe(loop_, contexts_, std::move(request));
    job.asking = true;
    ++running_;
    job.probe->Start([this, index](const probes::ProbeReport& report) { OnReport(index, report); });
  }

  void OnReport(std::size_t index, const probes::ProbeReport& report) {
    jobs_[index].asking = false;
    --running_;
    if (report.outcome != probes::Outcome::kCancelled) answers_[index].report = report;
    StartMore();
  }

  void OnDeadline(ev::timer&, int) { GiveUp(); }

  void GiveUp() {
    late_ = true;
    for (Job& job : jobs_) {
      if (job.lookup && !job.request && !job.same_as) Abandon(job);
      // The server gets its end of a call; the callback still comes.
      if (job.asking) job.probe->Cancel();
    }
    StartMore();
  }

  void Abandon(Job& job) {
    const auto index = static_cast<std::size_t>(&job - jobs_.data());
    const bool over = !answers_[index].lookup_error.empty();
    job.lookup.reset();
    if (!over) --running_;
  }

  Loop& loop_;
  const config::Config& config_;
  const FarmProbeLimits limits_;
  probes::TlsContexts contexts_;
  ev::timer deadline_;
  std::vector<Job> jobs_;
  FarmAnswers answers_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  bool late_ = false;
};

}  // namespace

FarmAnswers ProbeFarm(Loop& loop, const config::Config& config, const FarmProbeLimits& limits) {
  return FarmProbe(loop, config, limits).Run();
}

}  // namespace sstplb::daemon
