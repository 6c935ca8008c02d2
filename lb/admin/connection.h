// Connection: one accepted socket, read and written with deadlines, let go at once on a stop.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lb/base/fd.h"
#include "lb/base/time.h"

namespace sstplb::admin {

// Belongs to one thread. Waits with poll(): a balancer's descriptors are larger than select() can
// take.
class Connection {
 public:
  // `fd` is non-blocking; `stop_fd` becomes readable, and stays so, when everything must end.
  Connection(Fd fd, int stop_fd) : fd_(std::move(fd)), stop_fd_(stop_fd) {}

  // At least one byte; 0 at the end of the stream; -1 on an error, at the deadline and on a stop.
  long Read(char* out, std::size_t size, TimePoint deadline);
  // All of it or false.
  bool Write(std::string_view data, TimePoint deadline);
  // The other side has closed or is gone, or everything must end.
  bool Over() const;
  // Ends our direction, and reads what still comes for a moment: closing over unread bytes would
  // reset the connection and take the answer with it.
  void Finish();

  // Who is there: "127.0.0.1:1234", or "uid=0 pid=123" at a Unix socket.
  std::string Peer() const;

 private:
  bool Wait(short events, TimePoint deadline) const;

  Fd fd_;
  int stop_fd_;
};

}  // namespace sstplb::admin
