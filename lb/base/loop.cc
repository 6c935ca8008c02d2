// SPDX-License-Identifier: Apache-2.0
#include "lb/base/loop.h"

#include <pthread.h>

#include <utility>

namespace sstplb {

Loop::Loop()
    : loop_(static_cast<unsigned>(EVFLAG_AUTO) | static_cast<unsigned>(EVFLAG_NOENV)),
      wake_(loop_) {
  wake_.set<Loop, &Loop::RunTasks>(this);
  wake_.start();
}

Loop::~Loop() {
  wake_.stop();
  // Captures may own watchers of this loop: they go before it does.
  std::vector<Task> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(tasks_);
  }
  left.clear();
}

void Loop::Run() {
  owner_ = std::this_thread::get_id();
  loop_.run(0);
}

void Loop::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.send();
}

void Loop::Stop() {
  Post([this] { loop_.break_loop(ev::ALL); });
}

void Loop::RunTasks() {
  std::vector<Task> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(tasks_);
  }
  for (Task& task : batch) task();
}

LoopThread::LoopThread(std::string name) : name_(std::move(name)) {}

LoopThread::~LoopThread() { Join(); }

void LoopThread::Start() {
  thread_ = std::thread([this] { loop_.Run(); });
  // At most 15 characters fit (pthread_setname_np(3)).
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void LoopThread::Join() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

}  // namespace sstplb
