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
#include "lb/control/activated_sockets.h"
#include "lb/control/ask.h"
#include "lb/handoff/messages.h"

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
    struct Sockets {
      std::vector<Fd> fds;  // the first is the first worker's, and so on, and around again
      bool shared = false;  // copies of one socket
      config::Tcp tcp;      // the options they have
    };
    std::map<std::pair<std::string, SocketAddress>, Sockets> sockets_;  // by configured address
  };

  explicit Listeners(std::size_t workers) : workers_(workers) {}

  // Takes what the service manager has opened: Open() uses it in place of sockets of its own. What
  // is wrong with them, a line each. Once, before Open().
  std::vector<std::string> Inherit(std::vector<InheritedSocket> sockets,
                                   const config::Config& config) {
    return activated_.Take(std::move(sockets), config);
  }

  // Opens what `config` has and what is not open yet, under this listener's name or under one that
  // `config` does not have there any more. `inherited` are sockets of another process
  // that listens as `theirs` says: they are used where they fit, and closed otherwise.
  Opened Open(const config::Config& config, std::vector<handoff::OfferedSocket> inherited = {},
              const config::Config& theirs = {}) const;

  // What `config` wants of sockets that are open and the kernel would refuse them, a line each.
  // They keep what they have there.
  std::vector<std::string> Refused(const config::Config& config) const;

  // Gives the sockets of an address that only changes its listener to the new one, and tells what
  // workers have to do when they get a plan with it.
  std::vector<worker::Renaming> Rename(const config::Config& config);

  // Gives the opened sockets to the workers, closes those that `config` does not have, and gives
  // those that stay the options it has for them now.
  void Apply(const config::Config& config, Opened&& opened, const Workers& workers);

  // Refuses all clients without giving an address up, and takes them again.
  static void StopListening(const Workers& workers);
  void ListenAgain(const config::Config& config, const Workers& workers) const;

  // Closes all of them; live sessions run on.
  void CloseAll(const Workers& workers);

  // For another process: the listening sockets out of `open`, which has what each worker has.
  std::vector<handoff::OfferedSocket> Offer(
      const std::vector<std::vector<worker::OpenSocket>>& open) const;

  // The addresses as bound: where the configuration says port 0, the port that the kernel chose.
  std::vector<SocketAddress> Bound(const std::string& listener) const;

 private:
  using Key = std::pair<std::string, SocketAddress>;  // listener, configured address

  struct Place {
    SocketAddress address;  // as bound
    config::Tcp tcp;        // the options that the sockets were given last
  };

  Opened::Sockets OpenAt(const config::Listener& listener, const SocketAddress& bind,
                         std::vector<std::string>& failures) const;
  Opened::Sockets CopyPassed(std::size_t index, const config::Listener& listener,
                             std::vector<std::string>& failures) const;
  const Key* FindSpare(const config::Config& config, const SocketAddress& bind) const;

  const std::size_t workers_;
  std::map<Key, Place> bound_;
  ActivatedSockets activated_;
};

}  // namespace sstplb::control
