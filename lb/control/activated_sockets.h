// ActivatedSockets: listening sockets that the service manager has opened (systemd.socket(5)), and
// which address of the configuration each of them stands for.
//
// A socket that is named after a listener stands for an address of that listener: the equal one, or
// else the first that has none yet, wherever the socket is bound. Any other name says nothing, and
// the address decides.
//
// All workers accept from copies of the one socket. A socket of SO_REUSEPORT for each of them, as
// the balancer opens them itself, cannot join it: the kernel wants one user to own them all, and
// the manager's is root. And clients that wait in the one queue outlive the process.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lb/base/address.h"
#include "lb/base/fd.h"
#include "lb/base/inherited_sockets.h"
#include "lb/base/result.h"
#include "lb/config/config.h"

namespace sstplb::control {

struct PassedSocket {
  std::string name;
  SocketAddress address;
};

// By listener and configured address, the index of the socket that stands for it.
using Places = std::map<std::pair<std::string, SocketAddress>, std::size_t>;

// Pure. What is placed already stays, as long as `config` has it.
Places AssignSockets(const config::Config& config, const std::vector<PassedSocket>& sockets,
                     const Places& placed);

// Belongs to the control loop. Keeps every socket for as long as it lives, so that a reload can
// give one up and take it again.
class ActivatedSockets {
 public:
  // What is wrong with them, a line each: a kind that nobody can use, or no address of `config`
  // that it stands for. Nobody would ever accept the clients of such a socket. Once.
  std::vector<std::string> Take(std::vector<InheritedSocket> sockets, const config::Config& config);

  // Who would get which one.
  Places Assign(const config::Config& config) const;
  // A copy for one worker.
  Result<Fd> Copy(std::size_t index) const;
  // Options for the clients to come; all of them, since the socket may have some from a process
  // that is gone.
  void Tune(std::size_t index, const config::Tcp& tcp) const;
  // `config` is in force: what it has listens, the clients of what it does not have are refused.
  void Place(const config::Config& config);
  // Before this process ends: clients wait for the next one. (A socket that refuses them is an
  // error to the manager.)
  void LeaveListening() const;

 private:
  std::vector<Fd> fds_;
  std::vector<PassedSocket> sockets_;
  Places placed_;
};

}  // namespace sstplb::control
