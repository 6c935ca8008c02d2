// Probe: one question to one backend, as a client would ask it, with exactly one outcome.
//
//   tcp    connect; the backend must not close at once
//   tls    and a TLS handshake; the certificate as `verify` wants it
//   sstp   and SSTP_DUPLEX_POST answered by 200; with depth = "call" a Call Connect Request
//          answered by its Ack, then ended so that the server frees what it took
//   http   tls, and GET `path` (default "/") answered by 2xx or 3xx: always over TLS
//   exec   `command`, ended with status 0
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lb/base/address.h"
#include "lb/base/loop.h"
#include "lb/config/config.h"
#include "probes/report.h"
#include "probes/tls_context.h"

namespace sstplb::probes {

// Everything a probe needs to know; nothing is looked up later.
struct ProbeRequest {
  std::string pool;
  std::string backend;
  std::optional<SocketAddress> address;  // absent: the host name has no address
  config::Probe settings;                // kind is not kNone; `sni` and `proxy_protocol` are not
                                         // looked at: they are resolved in what follows
  std::string server_name;               // SNI, Host and the name to verify; "": send none
  config::ProxyProtocol proxy_protocol = config::ProxyProtocol::kNone;  // v2 is sent as LOCAL
  std::optional<IpAddress> source;                                      // to connect from
  std::string learned;      // with server = "auto": what earlier answers told (server_kind.h)
  bool transcript = false;  // ProbeReport::said is wanted

  bool operator==(const ProbeRequest&) const = default;
};

// What the configuration asks for. `address` is where the backend's name leads to now.
ProbeRequest MakeRequest(const config::Config& config, const config::Pool& pool,
                         const config::Backend& backend, std::optional<SocketAddress> address);

// Belongs to its loop's thread. Destroying it at any time is safe: sockets are closed and children
// killed at once, and nothing is called. (A call that is under way is dropped then, which may cost
// an sstp-server an address: prefer Cancel().)
class Probe {
 public:
  // Called once, from the loop, never from within Start() or Cancel(). The probe may be destroyed
  // in it.
  using Callback = std::function<void(const ProbeReport&)>;

  virtual ~Probe() = default;

  // Once. The outcome is known within settings.timeout; the callback comes when everything is
  // closed, at most kMaxClosing later.
  virtual void Start(Callback done) = 0;
  // Gives up: ends in kCancelled, unless an outcome was known. Closing takes its time as above.
  virtual void Cancel() = 0;

  static constexpr Duration kMaxClosing = std::chrono::milliseconds(2500);
};

// `contexts` must outlive the probe.
std::unique_ptr<Probe> MakeProbe(Loop& loop, TlsContexts& contexts, ProbeRequest request);

}  // namespace sstplb::probes
