// FarmServer: one SSTP server of the demo farm: a listener, its connections, its counters.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lb/base/fd.h"
#include "lb/base/loop.h"
#include "lb/base/result.h"
#include "lb/demo/server_session.h"

namespace sstplb::demo {

// All on the loop's thread, once it runs.
class FarmServer {
 public:
  // Binds and listens. `changed` is called whenever a count other than of bytes and pings moved.
  // The loop outlives the server.
  static Result<std::unique_ptr<FarmServer>> Open(Loop& loop, ServerOptions options,
                                                  std::function<void()> changed);
  ~FarmServer();
  FarmServer(const FarmServer&) = delete;
  FarmServer& operator=(const FarmServer&) = delete;

  // Where it listens, with the real port; kept while it refuses.
  const SocketAddress& address() const { return address_; }
  const Certificate& certificate() const { return shared_.certificate; }

  // Another limit than that of the options; what there was most begins anew.
  void SetMaxStarting(std::size_t most);
  Status SetFault(const Fault& fault);
  // Ends all connections: by RST as a killed server's, or in order.
  void DropAll(bool reset);

  ServerCounters counters() const;
  std::vector<TunnelInfo> tunnels() const;

 private:
  FarmServer(Loop& loop, ServerOptions options, tunnel::TlsContext context,
             std::function<void()> changed);

  Status Reserve();
  Status Listen();
  void OnAccept(ev::io& watcher, int events);
  void OnRetry(ev::timer& timer, int events);
  void Admit(Fd fd);
  void OnEnded(ServerSession& session);

  Loop& loop_;
  const ServerOptions options_;
  ServerShared shared_;
  SocketAddress address_;
  Fd reserved_;  // bound, never listening: keeps the port while the listener is closed
  Fd listener_;
  ev::io accept_;
  ev::timer retry_;
  std::uint64_t next_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<ServerSession>> sessions_;
};

}  // namespace sstplb::demo
