// The list of all findings, and how an operator silences those that are meant to be so.
//
//   single_backend             wherever it is found
//   single_backend:pool.lab    there, and below: pool.lab.probe.kind, but not pool.lab2
//
// Written in global.ignore_findings, or after `sstplb check --ignore`.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lb/config/finding.h"

namespace sstplb::config {

enum class FindingSource : std::uint8_t { kFile, kHost, kHostError, kOnline };

struct FindingInfo {
  std::string_view name;
  FindingSource source;
  std::string_view what;    // Markdown, without a capital and a full stop
  std::string_view remedy;  // alike
};

std::span<const FindingInfo> AllFindings();
// Null when there is no finding of that name.
const FindingInfo* FindFindingInfo(std::string_view name);

// What is wrong with the text of an entry, beginning with a verb.
std::optional<std::string> IgnoreProblem(std::string_view entry);

// Takes out what the entries silence, and gives it back, in order. Errors stay: the daemon cannot
// start with them, and silence would not change that.
Findings Silence(Findings& findings, const std::vector<std::string>& entries);

}  // namespace sstplb::config
