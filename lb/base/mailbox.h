// Mailbox: tasks from any thread for the thread that runs a poller.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "lb/base/fd.h"
#include "lb/base/poller.h"

namespace sstplb {

class Mailbox final : private Poller::Watcher {
 public:
  using Task = std::function<void()>;

  // `poller` must outlive the mailbox.
  explicit Mailbox(Poller& poller);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // From any thread: the task runs in a later turn of the poller, in order of posting. One that is
  // never run is destroyed with the mailbox.
  void Post(Task task);
  // From here on nothing runs: what waits is destroyed, and what is posted later is destroyed at
  // once.
  void Close();

 private:
  void OnReady(unsigned slot, std::uint32_t events) override;

  Fd event_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  bool closed_ = false;
};

}  // namespace sstplb
