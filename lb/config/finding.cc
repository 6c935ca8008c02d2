// SPDX-License-Identifier: Apache-2.0
#include "lb/config/finding.h"

namespace sstplb::config {
namespace {

std::string Word(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "?";
}

}  // namespace

std::string Finding::ToString() const {
  return Word(severity) + ": " + key + ": [" + name + "] " + reason + ". " + remedy + ".";
}

}  // namespace sstplb::config
