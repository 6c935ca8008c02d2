// Finding: something about a configuration or its host that an operator should know, with the
// reason and the remedy.
//
//   warning: pool.main: [single_backend] the pool has one backend: ... Add a second one.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sstplb::config {

enum class Severity : std::uint8_t {
  kNote,     // could be better
  kWarning,  // will hurt some day
  kError,    // the daemon cannot start like this
};

// "note", "warning" or "error".
std::string_view ToWord(Severity severity);

struct Finding {
  Severity severity = Severity::kWarning;
  std::string name;    // stable, for scripts: "single_backend"
  std::string key;     // "pool.main", or what of the host is meant: "net.core.somaxconn"
  std::string reason;  // a sentence without its full stop
  std::string remedy;  // a sentence without its full stop

  std::string ToString() const;
  // The same without its severity.
  std::string Text() const;

  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

}  // namespace sstplb::config
