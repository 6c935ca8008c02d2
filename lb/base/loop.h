// Loop: one libev event loop, driven by one thread, with a mailbox that any thread may post to.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev++.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lb/base/time.h"

namespace sstplb {

// Everything but Post(), Stop() and OnLoopThread() belongs to the thread that calls Run(); setting
// watchers up before Run() is allowed on the thread that owns the loop until then.
class Loop {
 public:
  using Task = std::function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // For watchers: ev::io watcher(loop.ev());
  ev::loop_ref& ev() { return loop_; }

  // Runs watchers and tasks until Stop().
  void Run();

  // From any thread, also before Run(): the task runs on the loop's thread, in order of posting. A
  // task that is posted after Stop() may never run; its captures are destroyed with the loop.
  void Post(Task task);
  // From any thread: Run() returns after the tasks posted before.
  void Stop();

  // From any thread.
  bool OnLoopThread() const { return owner_.load() == std::this_thread::get_id(); }

 private:
  void RunTasks();

  ev::dynamic_loop loop_;
  ev::async wake_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  std::atomic<std::thread::id> owner_{std::this_thread::get_id()};
};

// A named thread that runs one Loop. The destructor stops and joins it.
class LoopThread {
 public:
  explicit LoopThread(std::string name);
  ~LoopThread();

  Loop& loop() { return loop_; }
  // Starts the thread; set watchers up before, or by Post().
  void Start();
  // Stops the loop and waits for its thread; may be called twice.
  void Join();

 private:
  std::string name_;
  Loop loop_;
  std::thread thread_;
};

// What a libev timer takes for a delay: seconds, never negative.
inline double EvSeconds(Duration duration) {
  return duration.count() > 0 ? Seconds(duration) : 0.0;
}

}  // namespace sstplb
