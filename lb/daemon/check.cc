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
#include "lb/daemon/check_json.h"
#include "lb/daemon/farm_judge.h"
#include "lb/daemon/farm_probe.h"

namespace sstplb::daemon {
namespace {

constexpr int kGood = 0;
constexpr int kCannotStart = 2;

void Complain(const config::Diagnostics& diagnostics) {
  for (const auto& diagnostic : diagnostics) {
    std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
  }
  std::fprintf(stderr, "%zu error%s\n", diagnostics.size(), diagnostics.size() == 1 ? "" : "s");
}

void Append(config::Findings& all, const config::Findings& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void Judge(const config::Config& config, const CheckRequest& request, CheckResult& result) {
  result.findings = config::Lint(config);
  Append(result.findings, config::CheckHost(config, config::GatherHostFacts(config)));
  if (request.online_within) {
    Loop loop;
    result.answers =
        ProbeFarm(loop, config, {.within = *request.online_within, .transcript = request.json});
    Append(result.findings, JudgeFarm(config, result.answers, WallClock::now()));
  }
  std::vector<std::string> ignore = config.global.ignore_findings;
  ignore.insert(ignore.end(), request.ignore.begin(), request.ignore.end());
  result.ignored = config::Silence(result.findings, ignore);
  result.valid = std::ranges::none_of(result.findings, [](const config::Finding& finding) {
    return finding.severity == config::Severity::kError;
  });
}

const char* Verdict(bool broken, bool told, std::size_t silenced) {
  if (broken) return "the daemon cannot start like this";
  if (told) return "valid, see above";
  return silenced == 0 ? "good" : "good, but for what was ignored";
}

void Print(const std::string& path, const CheckResult& result) {
  const WallTime now = WallClock::now();
  for (const FarmAnswer& answer : result.answers) {
    std::printf("%s\n", AnswerLine(answer, now).c_str());
  }
  for (const config::Finding& finding : result.findings) {
    std::printf("%s\n", finding.ToString().c_str());
  }
  const std::size_t silenced = result.ignored.size();
  if (silenced > 0) {
    std::printf("%zu finding%s ignored\n", silenced, silenced == 1 ? " was" : "s were");
  }
  std::printf("%s: %s\n", path.c_str(), Verdict(!result.valid, !result.findings.empty(), silenced));
}

}  // namespace

int CheckConfig(const CheckRequest& request) {
  const auto config = config::ReadFile(request.config);
  CheckResult result;
  if (config) {
    Judge(*config, request, result);
  } else {
    result.valid = false;
    result.errors = config.error();
  }
  if (request.json) {
    std::printf("%s\n", CheckJson(result, WallClock::now()).c_str());
  } else if (!config) {
    Complain(result.errors);
  } else {
    Print(request.config, result);
  }
  return result.valid ? kGood : kCannotStart;
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
