// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/fail.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sstplb::bench {

void Fail(const std::string& why) {
  std::printf("{\"error\": \"%s\"}\n", why.c_str());
  std::fflush(stdout);
  std::_Exit(1);
}

void FailErrno(const std::string& what) { Fail(what + ": " + std::strerror(errno)); }

}  // namespace sstplb::bench
