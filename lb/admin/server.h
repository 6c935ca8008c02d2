// AdminServer: the API, the metrics and the dashboard of a running balancer, at the admin socket
// and at admin.http.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/control/api.h"

namespace sstplb::admin {

// Bound sockets that come from another process; not valid: bind one.
struct PassedSockets {
  Fd socket;
  bool keep_file = false;  // the service manager's, who holds the socket as well
  Fd http;
};

class AdminServer {
 public:
  // Binds the sockets and reads the token, which may need privileges; nobody is answered yet. `api`
  // and `logger` outlive the server. With a `passed` socket, of the service manager, it answers at
  // that one instead of binding admin.socket.
  static Result<std::unique_ptr<AdminServer>> Open(const config::Admin& options, control::Api& api,
                                                   Logger& logger, PassedSockets passed = {});
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Starts answering; after privileges are dropped and before anybody needs an answer.
  void Start();
  // Nobody is answered until Resume(): who asks meanwhile waits in the kernel's queue. Returns when
  // those that are under way are answered, or `grace` has passed. From any thread.
  void Pause(Duration grace);
  void Resume();
  // Ends within `grace` and the time one call of the Api takes, also while events are being
  // followed. May be called twice; the destructor calls it and removes the socket file.
  void Stop(Duration grace = {});

  // Copies of the listening sockets, for another process; those that are off are not valid.
  PassedSockets Copies() const;
  // Of a passed socket: its file is this process's to remove from now on, unless it is to be kept.
  void OwnFile();
  // Another process listens there now: the socket file is not removed.
  void KeepFile();

  // Where admin.http is bound, with the real port; nullopt when it is off.
  std::optional<SocketAddress> http_address() const;

 private:
  struct Parts;
  explicit AdminServer(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace sstplb::admin
