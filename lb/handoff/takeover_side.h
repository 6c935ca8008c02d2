// TakeoverSide: the new process in a handoff, from its HELLO to its TAKEN (docs/handoff_format.md).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "lb/base/result.h"
#include "lb/base/time.h"
#include "lb/handoff/channel.h"
#include "lb/handoff/estate.h"
#include "lb/handoff/messages.h"
#include "lb/session/plan.h"

namespace sstplb::handoff {

// Why nothing was taken over.
struct TakeError {
  bool old_is_gone = false;  // it died: whoever wants to may go on without it
  std::string message;
};

struct Taken {
  std::uint32_t sessions = 0;
  TimePoint frozen;          // when the old process stopped
  bool old_is_gone = false;  // it died before it could give its sessions: they are lost
};

// Used by one thread. One that is destroyed early leaves the old process with everything.
class TakeoverSide {
 public:
  // `path`: HandoffPath() of the old one's admin socket.
  static Result<TakeoverSide> Connect(const std::string& path, std::string program);

  // Asks for everything but the sessions.
  Result<Estate, TakeError> TakeEstate(std::uint32_t descriptors);
  // Takes the sessions into `workers`, which have not been started yet: start them when this has
  // returned, and at once, for nobody else moves the tunnels' bytes from here on. `plan` is the one
  // that they will be given.
  Result<Taken, TakeError> TakeSessions(const Workers& workers, const session::Plan& plan);
  // Instead of going on: tells the old process why not. Only the first one is told, what this class
  // tells by itself included.
  void Abort(const std::string& why);

  const Offer& offer() const { return offer_; }

 private:
  TakeoverSide(Channel channel, std::string program)
      : channel_(std::move(channel)), program_(std::move(program)) {}

  Result<Message, TakeError> Next(Duration within);
  TakeError Broken(const std::string& why);
  Status Take(Message& message, const Workers& workers, const session::Plan& plan);
  Status TakeIdentities(Message& message, const Workers& workers, const session::Plan& plan);
  Status TakeMotions(const Message& message, const Workers& workers);
  Status TakeGreetings(Message& message, const Workers& workers);
  Result<Taken, TakeError> Finish(const End& end, const Workers& workers);
  worker::Worker& WorkerOf(session::SessionId id, const Workers& workers) const;

  Channel channel_;
  std::string program_;
  Offer offer_;
  bool aborted_ = false;                          // by either side
  std::unordered_set<session::SessionId> still_;  // adopted, and no motion has come
  std::uint32_t moved_ = 0;
  std::uint32_t greetings_ = 0;
};

}  // namespace sstplb::handoff
