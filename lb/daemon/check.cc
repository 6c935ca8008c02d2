// SPDX-License-Identifier: Apache-2.0
#include "lb/daemon/check.h"

#include <algorithm>
#include <cstdio>

#include "lb/base/loop.h"
#include "lb/config/finding_list.h"
#include "lb/config/host_check.h"
#include "lb/config/host_facts.h"
#include "lb/config/lint.h"
#include "lb/config/read.h"
#include "lb/daemon/farm_judge.h"
#include "lb/daemon/farm_probe.h"

namespace sstplb::daemon {
namespace {

constexpr int kGood = 0;
constexpr int kCannotStart = 2;

int Complain(const config::Diagnostics& diagnostics) {
  for (const auto& diagnostic : diagnostics) {
    std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
  }
  std::fprintf(stderr, "%zu error%s\n", diagnostics.size(), diagnostics.size() == 1 ? "" : "s");
  return kCannotStart;
}

void Append(config::Findings& all, const config::Findings& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// What every backend answers, printed as it is, and what is to be said about it.
config::Findings Online(const config::Config& config, Duration within) {
  Loop loop;
  const FarmAnswers answers = ProbeFarm(loop, config, {.within = within});
  const WallTime now = WallClock::now();
  for (const FarmAnswer& answer : answers) {
    std::printf("%s\n", AnswerLine(answer, now).c_str());
  }
  std::fflush(stdout);
  return JudgeFarm(config, answers, now);
}

const char* Verdict(bool broken, bool told, std::size_t silenced) {
  if (broken) return "the daemon cannot start like this";
  if (told) return "valid, see above";
  return silenced == 0 ? "good" : "good, but for what was ignored";
}

}  // namespace

int CheckConfig(const CheckRequest& request) {
  const auto config = config::ReadFile(request.config);
  if (!config) return Complain(config.error());
  config::Findings findings = config::Lint(*config);
  Append(findings, config::CheckHost(*config, config::GatherHostFacts(*config)));
  if (request.online_within) Append(findings, Online(*config, *request.online_within));

  std::vector<std::string> ignored = config->global.ignore_findings;
  ignored.insert(ignored.end(), request.ignore.begin(), request.ignore.end());
  const std::size_t silenced = config::Silence(findings, ignored);

  for (const config::Finding& finding : findings) std::printf("%s\n", finding.ToString().c_str());
  if (silenced > 0) {
    std::printf("%zu finding%s ignored\n", silenced, silenced == 1 ? " was" : "s were");
  }
  const bool broken = std::ranges::any_of(findings, [](const config::Finding& finding) {
    return finding.severity == config::Severity::kError;
  });
  std::printf("%s: %s\n", request.config.c_str(), Verdict(broken, !findings.empty(), silenced));
  return broken ? kCannotStart : kGood;
}

int ListFindings() {
  for (const config::FindingInfo& info : config::AllFindings()) {
    std::printf("%-26.*s %.*s; %.*s\n", static_cast<int>(info.name.size()), info.name.data(),
                static_cast<int>(info.what.size()), info.what.data(),
                static_cast<int>(info.remedy.size()), info.remedy.data());
  }
  return kGood;
}

}  // namespace sstplb::daemon
