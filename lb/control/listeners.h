// Listeners: the listening sockets of a configuration, one per address and worker.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lb/base/fd.h"
#include "lb/base/result.h"
#include "lb/config/config.h"
#include "lb/control/ask.h"

namespace sstplb::control {

// Belongs to the control loop.
class Listeners {
 public:
  // The sockets that a change of configuration needs, opened but not yet in use: so that a change
  // that cannot be had in full is given up before it has touched anything.
  class Opened {
   public:
    std::vector<std::string> failures;  // every address that cannot be had, with the reason

   private:
    friend class Listeners;
    // By listener and configured address, one socket for each worker.
    std::map<std::pair<std::string, SocketAddress>, std::vector<Fd>> sockets_;
  };

  explicit Listeners(std::size_t workers) : workers_(workers) {}

  // Opens what `config` has and what is not open yet.
  Opened Open(const config::Config& config) const;

  // What `config` wants of sockets that are open and the kernel would refuse them, a line each.
  // They keep what they have there.
  std::vector<std::string> Refused(const config::Config& config) const;

  // Gives the opened sockets to the workers, closes those that `config` does not have, and gives
  // those that stay the options it has for them now.
  void Apply(const config::Config& config, Opened&& opened, const Workers& workers);

  // Refuses all clients without giving an address up, and takes them again.
  static void StopListening(const Workers& workers);
  void ListenAgain(const config::Config& config, const Workers& workers) const;

  // Closes all of them; live sessions run on.
  void CloseAll(const Workers& workers);

  // The addresses as bound: where the configuration says port 0, the port that the kernel chose.
  std::vector<SocketAddress> Bound(const std::string& listener) const;

 private:
  using Key = std::pair<std::string, SocketAddress>;  // listener, configured address

  struct Place {
    SocketAddress address;  // as bound
    config::Tcp tcp;        // the options that the sockets were given last
  };

  const std::size_t workers_;
  std::map<Key, Place> bound_;
};

}  // namespace sstplb::control
