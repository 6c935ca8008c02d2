// Leg: one socket of a session, and what is known of its readiness.
//
// The poller tells a change once (edge-triggered), so what it told is kept here until a call on the
// socket shows that it no longer holds.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "lb/base/fd.h"

namespace sstplb::session {

struct Leg {
  Fd fd;
  bool readable = false;  // there may be bytes, an end or an error to read
  bool writable = true;   // it may take bytes; until the first EAGAIN every socket may
  bool ending = false;    // an end or an error lies behind the bytes: read on until it comes

  void Note(std::uint32_t events) {
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ending = readable = true;
    if ((events & EPOLLIN) != 0) readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
  }
};

}  // namespace sstplb::session
