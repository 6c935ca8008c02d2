// Backend: the server side of the load. Speaks the dialogue on every connection and does what the
// client wishes, as cheaply as it can.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lb/base/address.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

enum class Manner : std::uint8_t {
  kTunnel,  // the whole dialogue
  kAnswer,  // Answer() to a hello, then close
};

// One thread, runs inside poller.Wait(). Connections end with the program.
class Backend {
 public:
  // Listens on `ports` ports of 127.0.0.1. The poller outlives the backend.
  Backend(Poller& poller, Manner manner, int ports);
  ~Backend();

  std::vector<std::uint16_t> ports() const;

 private:
  class Listener;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace sstplb::bench
