// What one demo server is, and what it counts.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/time.h"
#include "lb/demo/certificate.h"
#include "lb/demo/personality.h"
#include "lb/tunnel/tls_context.h"

namespace sstplb::demo {

struct ServerOptions {
  SocketAddress listen{IpAddress::V4({127, 0, 0, 1}), 0};  // port 0: any free one
  std::optional<Certificate> certificate;                  // one of its own when absent
  CertificateRequest names;                                // for its own
  tunnel::TlsVersions tls;
  Personality personality = PersonalityOf(Kind::kRras);
  bool proxy_header = false;  // required ahead of TLS, v1 or v2
  std::string host_name;      // accel-ppp's: other SNIs get an alert, other Hosts 404; "": any
  bool any_sni = false;       // with host_name: only the Host has to be it
  std::string user;           // "": anyone gets in
  std::string password;
  IpAddress gateway = IpAddress::V4({10, 99, 0, 1});  // answers pings; addresses follow it
  std::size_t addresses = 1000;
  std::size_t max_connections = 20000;  // above it, closed at accept
  // The same for connections that have no tunnel yet, as accel-ppp's max-starting. 0: no limit.
  std::size_t max_starting = 0;
  Duration negotiation_timeout = std::chrono::seconds(60);  // from accept to Call Connected
  Duration hello_interval = std::chrono::seconds(60);  // silence before an Echo Request is sent
  // As sstp-server does: a call that the client closes before the server closed it, and earlier
  // than this after its Call Connect, keeps its address for ever. 0: never.
  Duration leak_window{};
};

// Counts up unless said otherwise.
struct ServerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t proxy_headers = 0;  // good ones
  std::uint64_t turned_away = 0;    // at accept, by max_connections or max_starting
  std::uint64_t most_starting = 0;  // connections without a tunnel that there were at once
  std::uint64_t most_in_tls = 0;    // of these, with a TLS handshake that was not through
  std::uint64_t tls_done = 0;
  std::uint64_t tls_resumed = 0;  // of tls_done
  std::uint64_t posts = 0;        // requests of SSTP_DUPLEX_POST
  std::uint64_t other_requests = 0;
  std::uint64_t calls = 0;      // Call Connect Requests
  std::uint64_t connected = 0;  // calls that came to Call Connected
  std::uint64_t bad_bindings = 0;
  std::uint64_t echoes = 0;       // Echo Requests received
  std::uint64_t pings = 0;        // ICMP echo requests received
  std::uint64_t disconnects = 0;  // received
  std::uint64_t aborts = 0;       // received
  std::uint64_t bytes_in = 0;     // of SSTP
  std::uint64_t bytes_out = 0;
  // Connections that ended without a tunnel, each counted once.
  std::uint64_t probe_like = 0;
  // Acknowledged calls that the client closed before Call Connected, without the server having
  // closed first: what a careless probe leaves behind.
  std::uint64_t half_open_left = 0;
  std::uint64_t addresses_leaked = 0;  // by leak_window

  // As they are now:
  std::size_t open = 0;     // connections
  std::size_t in_tls = 0;   // of these, with a TLS handshake that is not through
  std::size_t tunnels = 0;  // past Call Connected
  std::size_t addresses_in_use = 0;
};

// One connection past its Call Connect.
struct TunnelInfo {
  SocketAddress peer;                   // as the socket says
  std::optional<SocketAddress> client;  // as the PROXY header says
  std::string server_name;              // SNI; "" when none was sent
  IpAddress address;                    // handed out
  bool connected = false;
};

}  // namespace sstplb::demo
