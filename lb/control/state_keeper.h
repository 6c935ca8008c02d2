// StateKeeper: keeps what has to outlive this process in the state file.
//
// A decision of the operator is on the disk before Save() returns. What clients were sent where is
// written by a thread of the keeper's own, now and then, so that the control loop does not stall
// over a long list; decisions that are saved meanwhile are written with the list as it was last.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lb/backend/state_file.h"
#include "lb/balance/stick_table.h"
#include "lb/base/log.h"
#include "lb/base/loop.h"

namespace sstplb::control {

// Used by one thread (the control loop); `log` must outlive it.
class StateKeeper {
 public:
  using Tables = std::vector<std::pair<std::string, std::shared_ptr<balance::StickTable>>>;

  // Affinity is written no more often than this, and only when it has changed.
  static constexpr Duration kPace = std::chrono::seconds(30);

  explicit StateKeeper(Logger& log, Duration pace = kPace) : log_(log), pace_(pace) {}
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  // Reads the file, says so, and starts the thread; "" keeps nothing. A file that cannot be used is
  // kept aside and gives an empty state; one that cannot even be moved away is not written over:
  // nothing is kept then.
  backend::State Begin(const std::string& path);

  // Instead of Begin(), in a process that takes over: nothing is read, `state` is what the other
  // one had, and what clients are remembered by is written at the first Tick(). The other one has
  // to Release() before.
  void Continue(const std::string& path, const backend::State& state);

  // From here on at another place. What is there already is moved away; the old file stays.
  void Move(const std::string& path, const backend::State& state);

  // On the disk when it returns; an error is logged. Its affinity is not looked at. May wait for
  // the thread to have written: tenths of a second when there are many clients.
  void Save(const backend::State& state);

  // Has the affinity written when it is time. To be called several times a second.
  void Tick(TimePoint now, Tables tables);

  // The end: what has changed is written before it returns, and nothing after.
  void Finish(const Tables& tables);
  // The same without writing: from here on the file is another process's.
  void Release();

 private:
  bool Due(TimePoint now, const Tables& tables) const;
  void WriteAffinity(const Tables& tables);
  void WriteLocked();

  Logger& log_;
  const Duration pace_;
  std::unique_ptr<LoopThread> thread_;
  std::atomic<bool> busy_{false};
  bool keeping_ = false;
  std::optional<std::uint64_t> written_changes_ = 0;  // absent: nothing has been written
  std::optional<TimePoint> written_at_;

  std::mutex mutex_;  // of the file, and of what is below
  std::string path_;
  backend::State state_;  // without affinity
  std::string affinity_;  // in the file's words
  bool blocked_ = false;  // there is a file that must not be written over
};

}  // namespace sstplb::control
