// SPDX-License-Identifier: Apache-2.0
#include "lb/config/finding.h"

namespace sstplb::config {

std::string_view ToWord(Severity severity) {
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

std::string Finding::Text() const {
  return key + ": [" + name + "] " + reason + ". " + remedy + ".";
}

std::string Finding::ToString() const { return std::string(ToWord(severity)) + ": " + Text(); }

}  // namespace sstplb::config
