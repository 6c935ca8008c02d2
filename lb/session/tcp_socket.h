// TCP sockets of the data path: listening, connecting, and the options of a configuration.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/result.h"
#include "lb/config/config.h"

namespace sstplb::session {

// A listening socket: non-blocking, SO_REUSEPORT, IPv6-only when IPv6. Accepted sockets inherit its
// `tcp` options (Linux), so that accepting costs no further system call.
Result<Fd> Listen(const SocketAddress& address, const config::Tcp& tcp);

// Makes a listening socket that somebody else has opened as Listen() would have it, so far as that
// can be changed: non-blocking, and every option of `tcp`.
void Adopt(int listening, const config::Tcp& tcp);

// Clients are refused as if nothing listened; the address stays taken. Adopt() and listen() end it
// (some options are lost meanwhile). May be called again, and by every holder of a socket that is
// shared: a second shutdown() would be inherited by all clients to come.
void StopListening(int listening);

// An option that the kernel did not take: its key in [listener.NAME.tcp], and errno.
struct RefusedOption {
  std::string_view key;
  int error;
};

// Gives a listening socket other options in place: what is accepted from here on inherits them, and
// the backlog is another at once. `from` is what the socket was given last; what is 0 or "" in `to`
// becomes the kernel's own choice, as of now. Options that are refused keep what they were.
std::vector<RefusedOption> Retune(int listening, const config::Tcp& from, const config::Tcp& to);
// What Retune() would be refused, found out with a socket that nobody uses.
std::vector<RefusedOption> TryRetune(int family, const config::Tcp& from, const config::Tcp& to);

// How the leg to a backend leaves this host.
struct ConnectFrom {
  std::optional<IpAddress> source;  // absent: the kernel's choice
  // The client's own address (see MayBeTransparent). Of another family than the backend it cannot
  // be used, and is passed over.
  std::optional<SocketAddress> transparent;
};

// Whether this process may use addresses of others: CAP_NET_ADMIN, or CAP_NET_RAW.
bool MayBeTransparent();

struct Connecting {
  Fd fd;
  bool done = false;  // already connected
  int error = 0;      // errno when the attempt failed at once; `fd` is invalid then
};

// Starts to connect, non-blocking. When `done` is false and `error` 0, the socket becomes writable
// when it is connected or has failed (ConnectError tells which).
Connecting StartConnect(const SocketAddress& to, const config::Tcp& tcp, const ConnectFrom& from);
// 0 when connected, else an errno.
int ConnectError(int fd);

// Makes close() send RST instead of FIN.
void ResetOnClose(int fd);

}  // namespace sstplb::session
