// Acceptor: one listening socket of one worker, and the loop that empties its accept queue.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/poller.h"
#include "lb/config/config.h"

namespace sstplb::worker {

// Keeps one descriptor in reserve: when the process has no other left, it is spent on taking the
// next client off the queue and closing it, since a queue that is never emptied would wake the
// worker for ever.
class ReserveFd {
 public:
  ReserveFd();
  // Accepts one connection from `listening` only to close it. False when there was none.
  bool TurnAway(int listening);

 private:
  Fd fd_;
};

// Belongs to one worker's thread.
class Acceptor final : private Poller::Watcher {
 public:
  // Takes each accepted socket; `out_of_files` tells that the last ones were turned away instead.
  class Sink {
   public:
    virtual void OnAccepted(Acceptor& acceptor, Fd fd, const SocketAddress& peer) = 0;
    virtual void OnTurnedAway(Acceptor& acceptor) = 0;
    virtual std::uint64_t turn() const = 0;  // counts the worker's turns

   protected:
    ~Sink() = default;
  };

  // `poller`, `reserve` and `sink` outlive it. Other workers accept from a `shared` socket as well.
  Acceptor(Poller& poller, std::string listener, Fd socket, bool shared, ReserveFd& reserve,
           Sink& sink);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  const std::string& listener() const { return listener_; }
  const SocketAddress& address() const { return address_; }
  bool shared() const { return shared_; }
  int fd() const { return socket_.get(); }
  // From here on its clients are another listener's.
  void Rename(std::string listener) { listener_ = std::move(listener); }
  // No more clients; the acceptor itself is to be destroyed when the turn is over.
  void Close();
  // Clients are refused as if nothing listened; the address stays taken. Listen() ends it.
  void StopListening();
  void Listen(const config::Tcp& tcp);
  // Other options for the clients to come (session::Retune).
  void Retune(const config::Tcp& from, const config::Tcp& to);

 private:
  void OnReady(unsigned slot, std::uint32_t events) override;
  bool Watch();
  void LetOthersGoFirst();

  Poller& poller_;
  std::string listener_;
  Fd socket_;
  const SocketAddress address_;
  const bool shared_;
  ReserveFd& reserve_;
  Sink& sink_;
  int batch_ = 1;  // accepts per turn
  std::uint64_t last_turn_ = 0;
  bool watched_ = true;
};

}  // namespace sstplb::worker
