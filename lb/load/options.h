// What a load is: how many tunnels, how fast, how deep, for how long.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/tunnel/tls_context.h"
#include "lb/tunnel/tunnel_report.h"

namespace sstplb::load {

using Depth = tunnel::TunnelDepth;
using TlsVersion = tunnel::TlsVersion;

// The defaults are gentle: whoever wants more has to say so.
struct Options {
  std::string target;    // the server as it was named
  SocketAddress server;  // and where it is
  std::uint32_t tunnels = 10;
  // Between two starts. Tunnels are started at their time, whatever became of those before.
  Duration start_every = std::chrono::milliseconds(100);
  Duration hold = std::chrono::seconds(10);  // from when no tunnel is being set up any more
  Depth depth = Depth::kCall;
  std::uint64_t payload = 0;  // bytes a second for each tunnel; needs kCall or kPpp; 0: none
  Duration churn_every{};     // while held, one tunnel ends and another starts; 0: none
  // What is lost or does not come up is tried again after a time up to this; 0: never.
  Duration retry{};
  std::string sni;   // "": none is sent
  std::string host;  // the Host header
  std::string user;  // with kPpp
  std::string password;
  std::vector<IpAddress> sources;               // taken in turn; empty: the host's choice
  std::optional<TlsVersion> tls;                // absent: 1.2 or 1.3
  Duration timeout = std::chrono::seconds(10);  // for each step of a set-up
  unsigned workers = 1;                         // threads
};

}  // namespace sstplb::load
