// SPDX-License-Identifier: Apache-2.0
#include "lb/base/fd.h"

#include <unistd.h>

namespace sstplb {

void Fd::Reset(int fd) {
  // On Linux the descriptor is gone even when close() reports EINTR: never retry it.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace sstplb
