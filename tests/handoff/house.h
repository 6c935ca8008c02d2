// House: the workers of one process, as far as a handoff has to do with them; two of them meet in
// one test.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lb/backend/registry.h"
#include "lb/base/fd.h"
#include "lb/base/log.h"
#include "lb/handoff/channel.h"
#include "lb/handoff/handoff_side.h"
#include "tests/admin/temp_folder.h"
#include "tests/worker/rig.h"

namespace sstplb::handoff {

using Sessions = std::vector<session::SessionStatus>;

class House {
 public:
  House(const std::vector<SocketAddress>& backends, std::uint32_t workers,
        const config::Listener& listener = {}, config::Pool pool = {});

  // As an old process: listens, and its workers run.
  void Open();
  // As a new one: takes listening sockets; its workers run from Start() on.
  void Inherit(std::vector<OfferedSocket> sockets);
  void Start();

  const Workers& workers() const { return workers_; }
  const session::Plan& plan() const { return *plan_; }
  std::uint32_t active() const { return budget_.active(); }
  // Whether nothing is left here: after a handoff the workers get to that a moment later.
  bool AwaitLetGo() const;
  // With copies of the listening sockets.
  Estate MakeEstate() const;

  worker::Peer Connect() const { return worker::Peer::Connect(address_); }
  worker::Peer ConnectFrom(const std::string& ip) const;

  // Of running workers.
  Sessions sessions() const;
  // False when it is not so within ten seconds.
  bool Await(const std::function<bool(const Sessions&)>& so) const;
  bool AwaitCount(std::size_t count) const {
    return Await([count](const Sessions& now) { return now.size() == count; });
  }

 private:
  const std::unique_ptr<Logger> log_ = Logger::Null();
  session::SessionBudget budget_{1000};
  backend::Registry registry_{[](const auto&) {}};
  std::shared_ptr<session::Plan> plan_;
  config::Tcp tcp_;
  SocketAddress address_;
  std::vector<Fd> listening_;  // copies
  Workers workers_;
};

// A client and its backend's end of one session.
struct Tunnel {
  worker::Peer client;
  worker::Peer backend;

  // Whether bytes go through either way.
  bool Carries(const std::string& word) const;
};
// One that relays; its hello has passed.
Tunnel OpenTunnel(const House& house, const worker::Server& server);

// A process that only waits to be killed: what the old one believes the new one to be.
class Bystander {
 public:
  Bystander();
  ~Bystander();
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  Fd pidfd() const;
  bool AwaitKilled(Duration within) const;

 private:
  pid_t pid_ = -1;
  Fd process_;
};

// Where a new process finds the old one.
class Door {
 public:
  Door();
  const std::string& path() const { return path_; }
  // The old one's end of the next that connects.
  Channel Accept() const;

 private:
  const testing::TempFolder folder_;
  const std::string path_ = folder_ / "admin.sock.handoff";
  Fd listening_;
};

// The whole part of the old process, at its door.
Result<Given> GiveAtDoor(const Door& door, const House& house, const Bystander& peer,
                         std::uint32_t open_files = 10);

}  // namespace sstplb::handoff
