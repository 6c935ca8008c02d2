// HandoffSide: the old process in a handoff, from the other's HELLO to its TAKEN, or to going on as
// if nothing had been (docs/handoff_format.md).
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lb/base/fd.h"
#include "lb/base/result.h"
#include "lb/base/time.h"
#include "lb/handoff/channel.h"
#include "lb/handoff/estate.h"
#include "lb/handoff/export.h"
#include "lb/handoff/messages.h"
#include "lb/worker/worker.h"

namespace sstplb::handoff {

// What it was worth.
struct Given {
  std::uint32_t sessions = 0;
  Duration frozen{};  // how long the workers stood still, until the new process told TAKEN
};

// Used by one thread, which it blocks; never that of a worker. `workers` run, and outlive it.
class HandoffSide {
 public:
  // `peer`: a pidfd of the process at the other end of `channel`.
  HandoffSide(Channel channel, Fd peer, const Workers& workers, std::string program);

  // Waits for the other process's HELLO. An error was told to it, and ends the handoff.
  Status Greet(std::uint32_t open_files);
  // Ends as Given when the new process has taken over: every worker has let go of everything and
  // ends. With an error everything here goes on as before, and the other process cannot touch it.
  // `about_to_freeze` is called once when all else is done, while everything here still goes on.
  Result<Given> Give(const Estate& estate, const std::function<void()>& about_to_freeze = {});
  // After Give(): until the new process no longer needs this one, or is gone.
  void AwaitEnd(Duration within) { (void)channel_->AwaitEnd(within); }
  // Before or in place of Give(): tells the other why not.
  void Refuse(const std::string& why);

 private:
  class Freeze;

  // Ends it: the other process knows, or is dead. It would take the end of the connection alone for
  // this one's death.
  Error Abort(Error why);
  Status Tell(MessageType type, ByteView body = {}, std::span<const int> fds = {},
              Duration within = Channel::kSendWait);
  Status Await(MessageType type, Duration within);
  Status TellAhead(const Estate& estate);
  Status TellEstate(const Estate& estate);
  Status TellSockets(const std::vector<OfferedSocket>& sockets);
  Status TellState(const State& state);
  Status CopyAhead(worker::Worker& worker);
  Status CopyBatch(worker::Worker& worker, std::vector<session::SessionId> ids);
  Result<End> TellMoved(Freeze& freeze);
  Status Commit();
  bool Fence();

  const std::shared_ptr<Channel> channel_;  // with the tasks that send on a worker's thread
  const Fd peer_;
  const Workers& workers_;
  const std::string program_;
  bool fenced_ = false;  // the other process was killed
  Offer offer_;
  // Whose SESSION is with the new process.
  const std::shared_ptr<SessionIds> told_ = std::make_shared<SessionIds>();
};

}  // namespace sstplb::handoff
