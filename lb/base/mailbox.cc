// SPDX-License-Identifier: Apache-2.0
#include "lb/base/mailbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sstplb {

Mailbox::Mailbox(Poller& poller) : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!event_.valid() || !poller.WatchInput(event_.get(), *this)) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

void Mailbox::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
  }
  ::eventfd_write(event_.get(), 1);
}

void Mailbox::Close() {
  std::vector<Task> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(tasks_);
}

void Mailbox::OnReady(unsigned, std::uint32_t) {
  eventfd_t count = 0;
  ::eventfd_read(event_.get(), &count);
  std::vector<Task> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(tasks_);
  }
  for (Task& task : batch) task();
}

}  // namespace sstplb
