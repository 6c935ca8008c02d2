// A worker with one listener on loopback, and the peers around it: blocking sockets with deadlines.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lb/backend/registry.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/config/config.h"
#include "lb/worker/worker.h"

namespace sstplb::worker {

// A blocking TCP socket that gives up after ten seconds.
class Peer {
 public:
  explicit Peer(Fd fd);
  static Peer Connect(const SocketAddress& to);
  static Peer ConnectFrom(const std::string& ip, const SocketAddress& to);

  bool Send(std::string_view bytes) const;
  // Exactly `size` bytes, or what came before the end.
  std::string Read(std::size_t size) const;
  std::string ReadToEnd() const;
  // Whether the next thing that comes is an end (not bytes, not a reset).
  bool AtEnd() const;
  // Whether anything comes within this time.
  bool SaysSomething(Duration within) const;
  // Whether the next thing that comes is a reset.
  bool WasReset() const;
  void EndSending() const;
  void Reset();
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

// A backend that does what the test says.
class Server {
 public:
  explicit Server(const std::string& ip = "127.0.0.1");
  SocketAddress address() const { return address_; }
  Peer Accept() const;
  bool HasClient() const;  // now

 private:
  Fd fd_;
  SocketAddress address_;
};

// An address on loopback where nothing listens.
SocketAddress DeadAddress();

// A ClientHello of the test vectors.
std::string Hello(const std::string& name = "ossl-default");

// The plan of a listener "vpn" with a pool "main", whose backends are b1, b2, ... at these
// addresses; `registry` gets them.
std::shared_ptr<session::Plan> MakePlan(backend::Registry& registry, config::Listener listener,
                                        config::Pool pool,
                                        const std::vector<SocketAddress>& backends);

class Rig {
 public:
  // The pool's backends are b1, b2, ... at these addresses. `workers`: how many it believes that
  // there are.
  Rig(config::Listener listener, config::Pool pool, const std::vector<SocketAddress>& backends,
      std::uint32_t max_sessions = 1000, std::uint32_t workers = 1);

  SocketAddress address() const { return address_; }
  Peer Connect() const { return Peer::Connect(address_); }
  Peer ConnectFrom(const std::string& ip) const { return Peer::ConnectFrom(ip, address_); }

  // Copies, asked for on the worker's thread.
  Report report() const;
  Report FullReport() const;
  std::vector<session::SessionStatus> sessions() const;
  std::uint64_t Refused(session::CloseReason reason) const;
  std::uint64_t Closed(session::CloseReason reason) const;
  const backend::BackendLoad& load(std::size_t backend) const;
  // A new plan.
  void SetHealth(const std::string& backend, backend::Health health);
  void SetStopping();
  // Waits until a count is reached; false after ten seconds.
  template <class Count>
  bool Await(Count count, std::uint64_t at_least) const;
  bool AwaitRefused(session::CloseReason reason, std::uint64_t count = 1) const;
  bool AwaitClosed(session::CloseReason reason, std::uint64_t count = 1) const;
  // What `peers` do happens to the worker all at once.
  void WhileBusy(const std::function<void()>& peers) const;
  void StopListening() const;
  // How many turns the worker has made.
  std::uint64_t Turns() const;
  std::uint64_t Close(const session::SessionFilter& filter, session::CloseReason reason) const;

 private:
  std::unique_ptr<Logger> log_ = Logger::Null();
  session::SessionBudget budget_;
  backend::Registry registry_;
  void PublishPlan();

  session::Plan plan_;
  SocketAddress address_;
  std::unique_ptr<Worker> worker_;
};

template <class Count>
bool Rig::Await(Count count, std::uint64_t at_least) const {
  const TimePoint deadline = Clock::now() + std::chrono::seconds(10);
  while (count() < at_least) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace sstplb::worker
