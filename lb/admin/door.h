// Door: one listening socket of the admin server and the threads that answer at it.
//
// A connection carries one request: it is accepted, read, answered and closed by one thread, so
// the number of threads bounds what callers can hold, and the rest wait in the kernel's queue. The
// admin socket and admin.http each have a door of their own: a crowd at one never blocks the other.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "lb/admin/guard.h"
#include "lb/admin/router.h"
#include "lb/base/log.h"
#include "lb/base/time.h"

namespace sstplb::admin {

class Door {
 public:
  // How many requests are worked on at a time, and how many of them may be followers of events.
  static constexpr int kThreads = 8;
  static constexpr int kMaxFollowers = 4;

  // `listen_fd` is non-blocking and, as `router` and `logger`, outlives the door.
  Door(int listen_fd, Policy policy, const Router& router, Logger& logger);
  ~Door();

  // Called once.
  void Start();
  // Takes no more requests until Resume(), and waits until those that are under way are answered,
  // or `grace` has passed, or followers alone are left.
  void Pause(Duration grace);
  void Resume();
  // Takes no more requests, and ends those that are under way when `grace` has passed, or followers
  // alone are left; joins the threads. May be called twice.
  void Stop(Duration grace = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sstplb::admin
