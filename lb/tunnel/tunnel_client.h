// TunnelClient: many tunnels on one thread, steered and watched from any other.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "lb/base/loop.h"
#include "lb/base/result.h"
#include "lb/tunnel/loop_call.h"
#include "lb/tunnel/tunnel.h"

namespace sstplb::tunnel {

// Thread-safe, but for construction and destruction. Tunnels are named by their place, from 0, in
// the order they were added; ended ones keep theirs.
class TunnelClient final : private TunnelObserver {
 public:
  // All tunnels share `versions`.
  static Result<std::unique_ptr<TunnelClient>> Start(TlsVersions versions = {});
  // Closes what is open without a word; StopAll() first for orderly ends.
  ~TunnelClient();

  // Starts one more and returns its place.
  std::size_t Add(const TunnelOptions& options);
  void Stop(std::size_t tunnel);
  void StopAll();
  // Ends the connection with a RST.
  void Break(std::size_t tunnel);

  TunnelReport report(std::size_t tunnel) const;
  std::vector<TunnelReport> reports() const;

  // Wait until a tunnel, or all of them, are as asked; false when the time is up first.
  bool Await(std::size_t tunnel, const std::function<bool(const TunnelReport&)>& condition,
             Duration timeout) const;
  bool AwaitAll(const std::function<bool(const TunnelReport&)>& condition, Duration timeout) const;

 private:
  explicit TunnelClient(TlsContext context);

  void OnTunnelChanged(const TunnelReport& report) override;

  const TlsContext context_;
  mutable LoopThread thread_;
  std::vector<std::unique_ptr<Tunnel>> tunnels_;  // the thread's alone
  Changes changes_;
};

}  // namespace sstplb::tunnel
