// NotifySocket: the service manager's end of sd_notify(3), for as long as it exists.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lb/base/fd.h"

namespace sstplb::daemon {

// Sets an environment variable, and puts back what was there.
class ScopedVariable {
 public:
  ScopedVariable(std::string name, const std::string& value);
  ~ScopedVariable();
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const std::string name_;
  std::string before_;
  bool was_set_ = false;
};

// Bound to an abstract address that the kernel chose, and named by NOTIFY_SOCKET.
class NotifySocket {
 public:
  NotifySocket();

  // The assignments of the next message; none when nothing comes within ten seconds. A descriptor
  // that comes along (sd_notify_barrier) is closed, as systemd does once it has read so far.
  std::map<std::string, std::string> Next() const;
  // Whether a message is waiting.
  bool HasNext() const;

 private:
  Fd fd_;
  ScopedVariable named_;
};

}  // namespace sstplb::daemon
