// Tunnel: the client's end of one tunnel. It connects, goes through the dialogue's handshake and
// then leaves its socket to the kind of load that is derived from it.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/base/bytes.h"
#include "lb/base/fd.h"
#include "tests/bench/load/destination.h"
#include "tests/bench/load/poller.h"
#include "tests/bench/load/wish.h"

namespace sstplb::bench {

// One thread. A tunnel that breaks ends the program: see fail.h.
class Tunnel : public Poller::Target {
 public:
  // Begins to connect. The poller and the destination outlive the tunnel.
  Tunnel(Poller& poller, Destination& destination, Wish wish);

  // Whether the backend has answered the hello and our flight with the wish is sent.
  bool ready() const { return phase_ == Phase::kReady; }

  void OnEvents(std::uint32_t events) final;

 protected:
  // The tunnel has become ready().
  virtual void OnReady() {}
  // From then on: bytes can be read; bytes can be written, if asked for by WantWrite().
  virtual void OnReadable() = 0;
  virtual void OnWritable() = 0;

  void WantWrite(bool wanted);
  int fd() const { return fd_.get(); }
  // recv() into nothing, up to this much: the bytes' number is all that counts. 0: the peer ended;
  // -1: nothing there.
  std::ptrdiff_t Skip(std::size_t most);
  // The same into `buffer`.
  std::ptrdiff_t Receive(std::span<std::uint8_t> buffer);
  void Close() { fd_.Reset(); }

 private:
  enum class Phase : std::uint8_t { kHello, kFlight, kReady };

  void SendHello();
  void ReadFlight();
  void Watch(std::uint32_t interest);

  Poller& poller_;
  Fd fd_;
  ByteView hello_;
  Wish wish_;
  Phase phase_ = Phase::kHello;
  std::uint32_t interest_ = 0;
  std::size_t flight_left_;  // bytes of the server's flight still to come
};

}  // namespace sstplb::bench
