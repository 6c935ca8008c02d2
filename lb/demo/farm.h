// Farm: several demo servers on one thread, steered and watched from any other.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "lb/base/loop.h"
#include "lb/base/result.h"
#include "lb/demo/farm_server.h"
#include "lb/tunnel/loop_call.h"

namespace sstplb::demo {

// Thread-safe, but for construction and destruction. Servers are named by their place in the
// options, from 0. A call for a server that is not there is a bug of the caller.
class Farm {
 public:
  // Listening when it returns.
  static Result<std::unique_ptr<Farm>> Start(std::vector<ServerOptions> servers);
  // Resets whatever is open.
  ~Farm();
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  std::size_t size() const { return servers_.size(); }
  SocketAddress address(std::size_t server) const { return servers_.at(server)->address(); }
  const Certificate& certificate(std::size_t server) const {
    return servers_.at(server)->certificate();
  }

  // In force when it returns. Fails only when a closed listener cannot be opened again.
  Status SetFault(std::size_t server, const Fault& fault);
  void SetMaxStarting(std::size_t server, std::size_t most);
  void DropAll(std::size_t server, bool reset);
  // What SIGKILL does: nothing listens, every connection is reset. SetFault({}) starts it again.
  void Kill(std::size_t server);

  ServerCounters counters(std::size_t server) const;
  std::vector<TunnelInfo> tunnels(std::size_t server) const;

  // Waits until the counters are as asked; false when the time is up first.
  bool Await(std::size_t server, const std::function<bool(const ServerCounters&)>& condition,
             Duration timeout) const;

 private:
  Farm();

  mutable LoopThread thread_;
  std::vector<std::unique_ptr<FarmServer>> servers_;
  tunnel::Changes changes_;
};

}  // namespace sstplb::demo
