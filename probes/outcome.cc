// SPDX-License-Identifier: Apache-2.0
#include "probes/outcome.h"

namespace sstplb::probes {

std::string_view ToString(Step step) {
  switch (step) {
    case Step::kResolve:
      return "resolve";
    case Step::kTcp:
      return "tcp";
    case Step::kProxy:
      return "proxy";
    case Step::kTls:
      return "tls";
    case Step::kPost:
      return "post";
    case Step::kGet:
      return "get";
    case Step::kCall:
      return "call";
    case Step::kWatch:
      return "watch";
    case Step::kExec:
      return "exec";
    case Step::kClose:
      return "close";
  }
  return "?";
}

}  // namespace sstplb::probes
