// Ends on one epoll, with deadlines and a tally; the same for client and server.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/e2e/stream_check/end.h"

namespace stream_check {

struct Tally {
  std::uint64_t sessions = 0;  // that ended, either way
  std::uint64_t failed = 0;
  std::uint64_t empty = 0;   // connections without a byte; not among the sessions
  std::uint64_t resets = 0;  // sessions that ended by a reset, as planned
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t most_at_once = 0;
  std::vector<std::string> errors;  // the first few

  void AddError(const std::string& why);
  std::string Json(double seconds) const;
};

// How long a session may stand still.
inline constexpr std::chrono::seconds kPatience{30};

double SecondsSince(End::Clock::time_point begun);

class Loop {
 public:
  using Clock = End::Clock;

  // A session that neither reads nor writes for `patience` has failed.
  explicit Loop(std::chrono::milliseconds patience);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  void Add(End end);

  // Watches a descriptor that is not a session's, for reading; Wait() says when it is ready.
  void Watch(int fd);

  // From now on sessions make no pauses, so that all come to their end soon.
  void Hurry();

  // Handles what is ready, waiting up to `timeout`. Returns whether the watched one is readable.
  bool Wait(std::chrono::milliseconds timeout);

  std::size_t active() const { return sessions_.size(); }
  Tally& tally() { return tally_; }

 private:
  struct Session {
    explicit Session(End e) : end(std::move(e)), last(Clock::now()) {}
    End end;
    Clock::time_point last;
    std::uint32_t interest = 0;
  };

  void Update(Session& session);
  void Finish(Session& session);
  void Wake(Clock::time_point now);
  void Expire(Clock::time_point now);

  int epoll_;
  int watched_ = -1;
  std::chrono::milliseconds patience_;
  Clock::time_point next_expiry_;
  Clock::time_point next_wake_{};
  std::unordered_map<int, std::unique_ptr<Session>> sessions_;
  Tally tally_;
};

}  // namespace stream_check
