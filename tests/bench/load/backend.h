// Backend: the server side of the load. Speaks the dialogue on every connection and does what the
// client wishes, as cheaply as it can.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/bench/load/backend_tunnel.h"
#include "tests/bench/load/poller.h"

namespace sstplb::bench {

// One thread, runs inside poller.Wait().
class Backend final : private BackendTunnel::Owner {
 public:
  // Listens on `ports` ports of 127.0.0.1. The poller outlives the backend.
  Backend(Poller& poller, Manner manner, int ports);
  ~Backend();

  std::vector<std::uint16_t> ports() const;

 private:
  class Listener;

  void Accepted(Fd fd);
  void Over(int fd) override;

  Poller& poller_;
  Manner manner_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<int, std::unique_ptr<BackendTunnel>> tunnels_;  // by descriptor
};

}  // namespace sstplb::bench
